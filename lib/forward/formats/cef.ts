import { timeMillis } from '../../contract/time.ts';
import { toHex } from '../../log/encoding.ts';
import { leafHash } from '../../log/hash.ts';
import { parseRecord } from '../../log/record.ts';
import { textAt } from './text-at.ts';

/** CEF's severities, 0 to 10. */
const SEVERITIES: Readonly<Record<string, number>> = { debug: 1, info: 3, warning: 5, error: 7, critical: 10 };

/**
 * A record as a line of the Common Event Format (ArcSight, "CEF Implementation Standard" 0.1). The trail, the number and the leaf
 * hash are in `cs1`, `cn1` and `cs2`, so that a receiver sees gaps and finds the record again.
 *
 * @throws `malformed_record`
 */
export function cefLine(line: string, logName: string): string {
  const record = parseRecord(line);
  const { event, trail, seq, receivedAt, submitter } = record;
  const text = (...path: readonly string[]): string | undefined => textAt(event, path);
  const type = text('type') ?? 'unknown';
  const severity = SEVERITIES[text('severity') ?? 'info'] ?? 3;
  const extension = {
    rt: String(receivedAt),
    start: String(timeMillis(text('time') ?? '') ?? receivedAt),
    externalId: text('id'),
    suid: text('actor', 'id'),
    suser: text('actor', 'name'),
    src: text('actor', 'ip'),
    requestClientApplication: text('actor', 'userAgent'),
    act: text('action'),
    outcome: text('outcome'),
    fileId: text('resource', 'id'),
    fileType: text('resource', 'type'),
    fname: text('resource', 'name'),
    msg: text('description'),
    deviceExternalId: `${logName}/${trail}`,
    ...{ cs1Label: 'trail', cs1: trail, cn1Label: 'seq', cn1: String(seq) },
    ...{ cs2Label: 'leafHash', cs2: toHex(leafHash(line)), cs3Label: 'submitter', cs3: submitter },
    ...labelled('cs4', 'correlation', text('context', 'correlation')),
    ...labelled('cs5', 'tenant', text('context', 'tenant')),
    ...labelled('cs6', 'details', event.details === undefined ? undefined : JSON.stringify(event.details)),
  };
  const fields = Object.entries(extension).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${inExtension(value)}`],
  );
  return `CEF:0|Sealtrail|Sealtrail|1|${inHeader(type)}|${inHeader(text('description') ?? type)}|${severity}|${fields.join(' ')}`;
}

const labelled = (key: string, label: string, value: string | undefined): Readonly<Record<string, string>> =>
  value === undefined ? {} : { [`${key}Label`]: label, [key]: value };

/** Pipes and backslashes are escaped in the header; line ends have no place there. */
const inHeader = (text: string): string => text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');

/** Equal signs and backslashes are escaped in the extension, and line ends are written `\n`. */
const inExtension = (text: string): string => text.replace(/[\\=]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n');
