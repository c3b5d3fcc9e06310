import type { AuditServices } from './core/access-audit.ts';
import type { Route } from './core/route.ts';
import { getActivity, getActorActivity } from './routes/activity.ts';
import { getCheckpoint } from './routes/checkpoints.ts';
import { type AppendServices, appendEvents, getRecord, queryEvents, queryTrails } from './routes/events.ts';
import { type ExportServices, getExport, requestExport } from './routes/exports.ts';
import { listKeys } from './routes/keys.ts';
import { getLegalHold, type LegalHoldServices, setLegalHold } from './routes/legal-hold.ts';
import { appendOtlpLogs, appendOtlpTraces } from './routes/otlp/append-otlp.ts';
import { type CoseServices, getConsistency, getCoseReceipt, getProof } from './routes/proofs.ts';
import { type SealServices, sealTrail } from './routes/seals.ts';
import { getSummary } from './routes/summary.ts';
import { listTrails } from './routes/trails.ts';
import { getVerification, getVerifications, type VerifyServices, verifyTrail } from './routes/verifications.ts';
import { getWitnessed } from './routes/witnessed.ts';
import type { ReadServices } from './services.ts';

/**
 * The routes, grouped by the services they need. On AWS each group has a function with only its own permissions and code; a
 * list that is not imported leaves no code in a bundle.
 */

/** Appends events. */
export const APPEND_ROUTES: readonly Route<AppendServices>[] = [appendEvents, appendOtlpLogs, appendOtlpTraces];

/** Reads records and proofs, and changes nothing. */
export const READ_ROUTES: readonly Route<ReadServices>[] = [
  queryEvents,
  queryTrails,
  getRecord,
  getProof,
  getCheckpoint,
  getConsistency,
  getWitnessed,
  getSummary,
  getActivity,
  getActorActivity,
  listTrails,
  listKeys,
];

/** Verifies the ledger and returns reports. */
export const VERIFY_ROUTES: readonly Route<VerifyServices & AuditServices>[] = [
  verifyTrail,
  getVerification,
  getVerifications,
];

/** Makes exports and links to them. */
export const EXPORT_ROUTES: readonly Route<ExportServices & AuditServices>[] = [requestExport, getExport];

/** For administrators of a trail, and what else a function does that has `follow` sign. */
export const ADMIN_ROUTES: readonly Route<SealServices & LegalHoldServices & CoseServices>[] = [
  sealTrail,
  setLegalHold,
  getLegalHold,
  getCoseReceipt,
];
