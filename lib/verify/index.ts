/** Verification of an archive: what the command line, the API and auditors' own programs use. */

export type { KeptCheckpoint } from './archive/previous.ts';
export { verifyArchive } from './archive/verify-archive.ts';
export type { VerifyOptions } from './archive/verify-options.ts';
export { type MlDsaKeys, parseMlDsaKeys } from './attested/ml-dsa.ts';
export { fingerprintOf, parseTrustedKeys, type TrustedKey, type TrustedKeys } from './evidence/trust.ts';
export type { ProvenCheckpoint } from './evidence/trusted-note.ts';
export { checkExport, type ExportEvidence, type ProvenExport } from './files/export-file.ts';
export {
  checkConsistencyFile,
  checkProofFile,
  type ProvenGrowth,
  type ProvenRecord,
} from './files/proof-file.ts';
export { renderReport } from './report/html.ts';
export { PROBLEM_KIND_NAMES, PROBLEM_KINDS } from './report/problem.ts';
export * from './report/report.ts';
export type { WorkerPlan } from './shards/worker-pool.ts';
