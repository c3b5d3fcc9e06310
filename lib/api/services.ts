import type { Ledger } from '../ledger/ledger.ts';
import type { Queries } from '../query/queries.ts';
import type { AuditServices } from './core/access-audit.ts';
import type { ActivityServices } from './routes/activity.ts';
import type { CheckpointServices } from './routes/checkpoints.ts';
import type { AppendServices, QueryServices, RecordServices } from './routes/events.ts';
import type { ExportServices } from './routes/exports.ts';
import type { KeyServices } from './routes/keys.ts';
import type { LegalHoldServices } from './routes/legal-hold.ts';
import type { CoseServices, ProofServices } from './routes/proofs.ts';
import type { SealServices } from './routes/seals.ts';
import type { SummaryServices } from './routes/summary.ts';
import type { TrailServices } from './routes/trails.ts';
import type { VerifyServices } from './routes/verifications.ts';
import type { WitnessedServices } from './routes/witnessed.ts';

/** Services for the routes that read. */
export type ReadServices = QueryServices &
  RecordServices &
  CheckpointServices &
  ProofServices &
  WitnessedServices &
  SummaryServices &
  ActivityServices &
  TrailServices &
  KeyServices &
  AuditServices;

/** Services for all routes. The embedded server has them all; on AWS each function has those of its own routes. */
export interface Services
  extends AppendServices,
    Omit<ReadServices, 'ledger' | 'queries'>,
    VerifyServices,
    ExportServices,
    SealServices,
    CoseServices,
    LegalHoldServices {
  readonly ledger: Ledger;
  readonly queries: Queries;
}
