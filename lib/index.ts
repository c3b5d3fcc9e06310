/**
 * `sealtrail`: the log itself, to be embedded in a program, and the verification of its archives. Applications that
 * send events to a server use `sealtrail/client`; those who write tools of their own, `sealtrail/log`.
 *
 * @example
 * const log = await openEmbedded('./data', { logName: 'audit.example.com' });
 * const events = prepareBatch(Buffer.from('{"type":"auth.login"}'), 'application/json', DEFAULT_POLICY);
 * const receipt = await log.ledger.append({ trail: 'access', submitter: 'me', events });
 * await log.close();
 */
export { type PreparedEvent, prepareBatch } from './event/intake.ts';
export type { AuditEvent, EventInput } from './event/schema.ts';
export { type AppendRequest, Ledger, type LedgerOptions } from './ledger/ledger.ts';
export type { Receipt, SealedEvent } from './ledger/receipt.ts';
export { type ErrorCode, SealtrailError } from './log/error.ts';
export { DEFAULT_POLICY, type PrivacyPolicy } from './privacy/policy.ts';
export { type Embedded, type EmbeddedOptions, openEmbedded } from './server/embedded.ts';
export type { Objects, Signer, Table } from './store/ports.ts';
export { verifyArchive } from './verify/archive/verify-archive.ts';
export type { Report } from './verify/report/report.ts';
