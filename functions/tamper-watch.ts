import { hash } from 'node:crypto';
import type { DynamoDBRecord } from 'aws-lambda';
import { prepareBatch } from '../lib/event/intake.ts';
import type { ExpiryClaims } from '../lib/followers/expiry/expiry-claims.ts';
import { type Finding, findingOf, SYSTEM_TRAIL } from '../lib/followers/tampering/tamper-monitor.ts';
import type { Ledger } from '../lib/ledger/ledger.ts';
import { DEFAULT_POLICY } from '../lib/privacy/policy.ts';
import { changeOf } from './stream-changes.ts';
import { count, describe, logger } from './telemetry.ts';

const SUBMITTER = 'sealtrail:watchman';

/**
 * Raises the alarm over changes that the log cannot have made, and records each in the trail `_system`, once however often
 * the stream tells of it.
 *
 * @returns the sequence numbers of the records that have to come again, since what they tell could not be recorded
 */
export async function watchLedger(
  ledger: Pick<Ledger, 'append'>,
  claims: Pick<ExpiryClaims, 'holds'>,
  records: readonly DynamoDBRecord[],
): Promise<readonly string[]> {
  const again: string[] = [];
  for (const record of records) {
    const change = changeOf(record);
    const finding = change === undefined ? undefined : findingOf(change);
    if (finding === undefined) continue;
    const { trail, kind, what, unless } = finding;
    try {
      if (unless !== undefined && (await claims.holds(unless))) continue;
      count('Tampering');
      logger.error('somebody else changed the ledger', { trail, kind, what, sort: finding.key.sort });
      await recordFinding(ledger, finding);
    } catch (error) {
      logger.error('a finding could not be judged or recorded', { trail, ...describe(error) });
      again.push(record.dynamodb?.SequenceNumber ?? '');
    }
  }
  return again;
}

async function recordFinding(ledger: Pick<Ledger, 'append'>, { id, trail, kind, key, what }: Finding): Promise<void> {
  const event = {
    type: 'security.alert',
    severity: 'critical',
    actor: { id: SUBMITTER, type: 'system' },
    resource: { type: `ledger.${kind}`, id: `${key.partition}/${key.sort}` },
    description: what,
    details: { trail, change: id },
  };
  const body = Buffer.from(JSON.stringify(event));
  await ledger.append({
    trail: SYSTEM_TRAIL,
    submitter: SUBMITTER,
    events: prepareBatch(body, 'application/json', DEFAULT_POLICY),
    idempotency: { key: id, bodyHash: hash('sha256', body, 'hex') },
  });
}
