/**
 * The kinds of problems that a verification finds. `damage`: the evidence contradicts itself, or what was signed. `open`: nothing is
 * contradicted, but something is not proven, not covered or could not be read. Neither lets the verdict be `ok`. `note`: the
 * evidence is whole, and says something worth knowing; it changes no verdict.
 * Every kind is explained in docs/problems.md, which a test compares with this table.
 */
export const PROBLEM_KINDS = {
  // Something is not there.
  missing_records: 'damage',
  missing_bundle: 'damage',
  missing_tile: 'damage',
  missing_checkpoint: 'damage',
  missing_key: 'damage',
  missing_trail: 'open',
  // An object cannot be what its name says.
  malformed_segment: 'damage',
  malformed_bundle: 'damage',
  malformed_tile: 'damage',
  malformed_checkpoint: 'damage',
  malformed_key: 'damage',
  trailing_bytes: 'damage',
  too_large: 'damage',
  // A record line is wrong in itself, or where it stands.
  malformed_record: 'damage',
  not_canonical: 'damage',
  wrong_trail: 'damage',
  wrong_seq: 'damage',
  broken_chain: 'damage',
  time_reversed: 'damage',
  wrong_date: 'damage',
  wrong_range: 'damage',
  overlapping_records: 'damage',
  // The copies of the same fact disagree.
  record_mismatch: 'damage',
  tile_mismatch: 'damage',
  root_mismatch: 'damage',
  // Who signed what.
  wrong_origin: 'damage',
  misplaced_checkpoint: 'damage',
  bad_signature: 'damage',
  unknown_key: 'damage',
  retired_key: 'damage',
  fork: 'damage',
  bad_timestamp: 'damage',
  // Against a checkpoint kept elsewhere.
  rolled_back: 'damage',
  history_rewritten: 'damage',
  // What should not be there.
  unknown_object: 'damage',
  bad_name: 'damage',
  symbolic_link: 'damage',
  extra_version: 'damage',
  delete_marker: 'damage',
  // Not proven, not covered, not read.
  no_checkpoint: 'open',
  no_trusted_key: 'open',
  beyond_checkpoint: 'open',
  stale_checkpoint: 'open',
  unreadable: 'open',
  not_witnessed: 'open',
  witness_conflict: 'open',
  not_timestamped: 'open',
  no_ml_dsa_line: 'open',
  missing_events: 'open',
  producer_fork: 'open',
  unvouched_key: 'open',
  extension_lines: 'open',
  future_time: 'open',
  // What the records themselves leave open.
  action_without_outcome: 'note',
} as const satisfies Readonly<Record<string, 'damage' | 'open' | 'note'>>;

/** One of the documented kinds of problem. Kinds are stable: programs branch on them. */
export type ProblemKind = keyof typeof PROBLEM_KINDS;

/** True if a kind changes no verdict. */
export const isNote = (kind: ProblemKind): boolean => PROBLEM_KINDS[kind] === 'note';

/** How many problems were found in all, and how many notes besides. */
export function totals(counts: Readonly<Partial<Record<ProblemKind, number>>>): { problems: number; notes: number } {
  const total = { problems: 0, notes: 0 };
  for (const kind of PROBLEM_KIND_NAMES) total[isNote(kind) ? 'notes' : 'problems'] += counts[kind] ?? 0;
  return total;
}

/** One finding. */
export interface Problem {
  readonly kind: ProblemKind;
  /** The trail concerned; absent for what belongs to none (keys, odd names at the top). */
  readonly trail?: string;
  /** The archive's key of the object concerned, or the name of the kept checkpoint (`previous`). */
  readonly object?: string;
  /** The first record concerned, 0-based. */
  readonly seq?: number;
  /** The last record concerned, inclusive; present where it is not `seq`. */
  readonly lastSeq?: number;
  /** One English sentence. May quote hostile bytes in escaped form; never holds control characters. */
  readonly message: string;
}

/** All kinds, in the order of the table. */
export const PROBLEM_KIND_NAMES = Object.keys(PROBLEM_KINDS) as readonly ProblemKind[]; // keys of a const literal
