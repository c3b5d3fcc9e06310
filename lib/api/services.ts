import type { PrivacyPolicy } from '../event/privacy.ts';
import type { Exports } from '../export/exports.ts';
import type { Archiver } from '../followers/archiver.ts';
import type { RetiredKey } from '../followers/verification-checkpoint.ts';
import type { Verifier } from '../followers/verifier.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Queries } from '../query/queries.ts';

/** What the routes call: wired once per deployment, by the embedded server or by a handler. */
export interface Services {
  readonly ledger: Ledger;
  readonly archiver: Pick<Archiver, 'seal'>;
  /** Absent where the log does not verify itself. */
  readonly verifier?: Pick<Verifier, 'verify' | 'status'>;
  readonly queries: Queries;
  /** Absent where no exports are made. */
  readonly exports?: Exports;
  /** Tree nodes of a trail, for proofs. */
  readonly nodes: (trail: string) => NodeReader;
  readonly policyOf: (trail: string) => PrivacyPolicy;
  /** The log's name: the first part of every checkpoint's origin. */
  readonly logName: string;
  /** The keys that signed once and sign no more; absent: there are none. */
  readonly retired?: readonly RetiredKey[];
}
