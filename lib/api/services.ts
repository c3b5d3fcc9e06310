import type { RetiredKey } from '../keys/retired-key.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Queries } from '../query/queries.ts';
import type { AppendServices } from './append.ts';
import type { ExportServices } from './exports.ts';
import type { LegalHoldServices } from './legal-hold.ts';
import type { AdminServices } from './seal.ts';
import type { VerifyServices } from './verifications.ts';
import type { WatchedServices } from './watched.ts';

/** What the routes that read need. */
export interface ReadServices {
  readonly ledger: Ledger;
  readonly queries: Queries;
  /** Tree nodes of a trail, for proofs. */
  readonly nodes: (trail: string) => NodeReader;
  /** The log's name: the first part of every checkpoint's origin. */
  readonly logName: string;
  /** The keys that signed once and sign no more; absent: there are none. */
  readonly retired?: readonly RetiredKey[];
}

/** What all routes call: wired once, by the embedded server. In AWS each function has what its own routes need. */
export interface Services
  extends AppendServices,
    ReadServices,
    VerifyServices,
    ExportServices,
    AdminServices,
    LegalHoldServices,
    WatchedServices {
  readonly ledger: Ledger;
}
