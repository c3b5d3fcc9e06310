import { hash } from 'node:crypto';
import { type LOG_SUBMITTER, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import { prepareBatch } from '../../event/intake.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { LedgerReceipt } from '../../ledger/receipt.ts';
import { DEFAULT_POLICY } from '../../privacy/policy.ts';

/** The parts of the log that record in `_system`. Stored with each record, so none may be renamed. */
type Recorder =
  | typeof LOG_SUBMITTER
  | 'sealtrail:watchman'
  | 'sealtrail:producers'
  | 'sealtrail:witnesses'
  | 'sealtrail:forwarder';

/** Something that the log did or found. */
export interface SystemRecord {
  readonly by: Recorder;
  /** An event as clients send it (docs/schema.md). */
  readonly event: object;
  /**
   * Makes it repeatable: under a key it is recorded once within two days. The body hash is what must be the same then.
   * @default recorded with each call; the hash of the event
   */
  readonly once?: { readonly key: string; readonly bodyHash?: string };
  /** True to wait for the checkpoint. @default true */
  readonly wait?: boolean;
}

/**
 * Records what the log did or found, in the trail `_system`.
 *
 * @returns the receipt, with the record's line
 * @throws as {@link Ledger.append}
 *
 * @example
 * const event = { type: 'security.alert', severity: 'critical', description: 'a block was removed' };
 * await recordInSystem(ledger, { by: 'sealtrail:watchman', event, once: { key: change.id } });
 */
export async function recordInSystem(ledger: Pick<Ledger, 'append'>, record: SystemRecord): Promise<LedgerReceipt> {
  const { by, event, once, wait = true } = record;
  const body = Buffer.from(JSON.stringify(event));
  return ledger.append({
    trail: SYSTEM_TRAIL,
    submitter: by,
    events: prepareBatch(body, 'application/json', DEFAULT_POLICY),
    wait,
    ...(once && { idempotency: { key: once.key, bodyHash: once.bodyHash ?? hash('sha256', body, 'hex') } }),
  });
}
