import { isIP } from 'node:net';
import { timeMillis } from '../../contract/time.ts';
import { toHex } from '../../log/encoding.ts';
import { leafHash } from '../../log/hash.ts';
import { parseRecord } from '../../log/record.ts';
import { textAt } from './text-at.ts';

const ECS_VERSION = '8.17.0';

/** Syslog's severities in reverse, as Elastic's own integrations number them. */
const SEVERITIES: Readonly<Record<string, number>> = { debug: 1, info: 2, warning: 5, error: 7, critical: 9 };

/** ECS `event.category`, by the first word of a type. */
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  auth: ['authentication'],
  user: ['iam'],
  access: ['iam'],
  permission: ['iam'],
  role: ['iam'],
  config: ['configuration'],
  data: ['database'],
  file: ['file'],
  security: ['intrusion_detection'],
};

/**
 * A record as an event of the Elastic Common Schema. What ECS has no place for is under `sealtrail.event`, which should be mapped
 * as `flattened`, so that no event can contradict the mapping of another.
 *
 * @param original whether `event.original` holds the record's own line, from which a copy can be proven
 * @throws `malformed_record`
 */
export function ecsEvent(line: string, logName: string, original: boolean): string {
  const record = parseRecord(line);
  const { event, trail, seq, prev, receivedAt, submitter } = record;
  const text = (...path: readonly string[]): string | undefined => textAt(event, path);
  const type = text('type') ?? 'unknown';
  const outcome = text('outcome');
  const ip = text('actor', 'ip');
  return JSON.stringify({
    '@timestamp': new Date(timeMillis(text('time') ?? '') ?? receivedAt).toISOString(),
    ecs: { version: ECS_VERSION },
    message: text('description'),
    event: {
      id: text('id'),
      kind: type.startsWith('security.') ? 'alert' : 'event',
      category: CATEGORIES[type.split('.')[0] ?? ''],
      type: ['info'],
      action: text('action') ?? type,
      code: type,
      outcome: outcome === undefined ? 'unknown' : outcome === 'success' ? 'success' : 'failure',
      severity: SEVERITIES[text('severity') ?? ''],
      created: new Date(receivedAt).toISOString(),
      sequence: seq,
      dataset: `sealtrail.${trail}`,
      module: 'sealtrail',
      provider: logName,
      hash: toHex(leafHash(line)),
      original: original ? line : undefined,
    },
    user: objectOf({ id: text('actor', 'id'), name: text('actor', 'name') }),
    // A masked address is no address.
    source: ip === undefined ? undefined : isIP(ip) === 0 ? { address: ip } : { address: ip, ip },
    user_agent: objectOf({ original: text('actor', 'userAgent') }),
    organization: objectOf({ id: text('context', 'tenant') }),
    trace: objectOf({ id: text('context', 'correlation') }),
    http: text('context', 'request') === undefined ? undefined : { request: { id: text('context', 'request') } },
    sealtrail: { log: logName, trail, seq, prev, submitter, event },
  });
}

function objectOf(members: Readonly<Record<string, string | undefined>>): object | undefined {
  return Object.values(members).some((value) => value !== undefined) ? members : undefined;
}
