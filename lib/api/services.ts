import type { Ledger } from '../ledger/ledger.ts';
import type { Queries } from '../query/queries.ts';
import type { AuditServices } from './core/access-audit.ts';
import type { ActivityServices } from './routes/activity.ts';
import type { CheckpointServices } from './routes/checkpoints.ts';
import type { AppendServices, QueryServices, RecordServices } from './routes/events.ts';
import type { ExportServices } from './routes/exports.ts';
import type { KeyServices } from './routes/keys.ts';
import type { LegalHoldServices } from './routes/legal-hold.ts';
import type { ProofServices } from './routes/proofs.ts';
import type { SealServices } from './routes/seals.ts';
import type { SummaryServices } from './routes/summary.ts';
import type { TrailServices } from './routes/trails.ts';
import type { VerifyServices } from './routes/verifications.ts';

/** What the routes that read need. */
export type ReadServices = QueryServices &
  RecordServices &
  CheckpointServices &
  ProofServices &
  SummaryServices &
  ActivityServices &
  TrailServices &
  KeyServices &
  AuditServices;

/** What all routes need: one machine serves them all, in AWS each function has what its own routes need. */
export interface Services
  extends AppendServices,
    Omit<ReadServices, 'ledger' | 'queries'>,
    VerifyServices,
    ExportServices,
    SealServices,
    LegalHoldServices {
  readonly ledger: Ledger;
  readonly queries: Queries;
}
