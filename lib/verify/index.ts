/** Verification of an archive: what the command line, the API and auditors' own programs use. */
export { type VerifyOptions, verifyArchive } from './archive.ts';
export { checkExport, type ExportEvidence, type ProvenExport } from './export-file.ts';
export { renderReport } from './html.ts';
export type { KeptCheckpoint } from './previous.ts';
export { PROBLEM_KIND_NAMES, PROBLEM_KINDS } from './problem.ts';
export {
  checkConsistencyFile,
  checkProofFile,
  type ProvenCheckpoint,
  type ProvenGrowth,
  type ProvenRecord,
} from './proof-file.ts';
export * from './report.ts';
export { fingerprintOf, parseTrustedKeys, type TrustedKey, type TrustedKeys } from './trust.ts';
export type { WorkerPlan } from './worker-pool.ts';
