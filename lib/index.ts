/**
 * `sealtrail`: the log itself, to be embedded in a program, and the verification of its archives. Applications that
 * send events to a server use `sealtrail/client`; tools that read the log's bytes use `sealtrail/log`.
 *
 * `openEmbedded` keeps a log in a folder. `openLog` keeps it in drivers of your own, for another cloud or another database:
 * each implements a port (`Table`, `Objects`, `Signer`, `Downloads`) and passes its suite in `sealtrail/testing/contracts`.
 *
 * @example
 * const log = await openEmbedded('./data', { logName: 'audit.example.com' });
 * const events = prepareBatch(Buffer.from('{"type":"auth.login"}'), 'application/json', DEFAULT_POLICY);
 * const receipt = await log.ledger.append({ trail: 'access', submitter: 'me', events });
 * await log.close();
 */
export { type OpenLog, type OpenLogSettings, type OpenLogStores, openLog } from './app/open-log.ts';
export { type PreparedEvent, prepareBatch } from './event/intake.ts';
export type { AuditEvent, EventInput } from './event/schema.ts';
export type { AppendRequest } from './ledger/append-request.ts';
export { Ledger, type LedgerOptions } from './ledger/ledger.ts';
export type { LedgerReceipt } from './ledger/receipt.ts';
export { type ErrorCode, SealtrailError } from './log/error.ts';
export { DEFAULT_POLICY, type PrivacyPolicy } from './privacy/policy.ts';
export { type Access, Directory, type Profile } from './server/access.ts';
export { type Embedded, type EmbeddedOptions, openEmbedded } from './server/embedded.ts';
export { type ServedLog, type ServeOptions, serveLog } from './server/serve.ts';
export type { Downloads, Objects, Signer, Table } from './store/ports.ts';
export { verifyArchive } from './verify/archive/verify-archive.ts';
export type { Report } from './verify/report/report.ts';
