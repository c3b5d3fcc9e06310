import { isNote, type Problem, type ProblemKind } from './problem.ts';

export type { Problem, ProblemKind } from './problem.ts';

/**
 * `ok`: all that was looked at is intact and covered by trusted signatures. `damaged`: something contradicts itself or
 * what was signed. `incomplete`: no contradiction, but something in scope is not proven, not covered or unreadable.
 * Anything out of scope (other trails, a range) is named in {@link Report.skipped} and never called ok.
 */
export type Verdict = 'ok' | 'incomplete' | 'damaged';

/** A span of records, 0-based; `to` is exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Something that was not looked at, or that no signature covers, and why. */
export interface Skipped {
  readonly trail?: string;
  readonly records?: Span;
  /** One English phrase, such as `trail not asked for`. */
  readonly why: string;
}

/** How many objects of each sort were read and compared. */
export interface ObjectCounts {
  readonly segments: number;
  readonly bundles: number;
  readonly tiles: number;
  readonly checkpoints: number;
}

/** The findings on the numbers that producers gave their events. */
export interface ProducerCounts {
  /** Runs of producers that were followed. */
  readonly producers: number;
  /** Their numbered events in the trail. */
  readonly numbered: number;
  /** Numbered and not in the trail: problems of the kind `missing_events`. */
  readonly missing: number;
  /** Left out by the producers themselves, who say so. */
  readonly declared: number;
  /** The same events again. */
  readonly repeated: number;
  /** Numbered events of producers that were too many to follow; absent: none. */
  readonly unfollowed?: number;
}

/** The time-stamps of a trail's seals. */
export interface TimestampCounts {
  /** Time-stamps in the archive, and those of them that hold. */
  readonly found: number;
  readonly held: number;
  /** The one over the largest seal: its size, its time in Unix milliseconds, and the service's certificate. */
  readonly newest?: { readonly size: number; readonly time: number; readonly service: string };
}

/** The extent of a check in one trail. */
export interface Coverage {
  readonly trail: string;
  readonly verdict: Verdict;
  /** `<log name>/<trail>`; absent where no checkpoint could be read. */
  readonly origin?: string;
  /** The newest checkpoint that a trusted key signed and whose root the records give; absent where there is none. */
  readonly newest?: { readonly size: number; readonly root: string /* hex */ };
  /** The records that were read, hashed and found under a trusted checkpoint's root; empty: from === to. */
  readonly covered: Span;
  /** How many of them no problem of damage is about. */
  readonly proven: number;
  /** Record lines read and checked. */
  readonly records: number;
  /** Uncompressed bytes of those lines. */
  readonly bytes: number;
  readonly objects: ObjectCounts;
  /** Checkpoints whose signature and root were checked, all found right or not. */
  readonly checkpointsChecked: number;
  /** receivedAt of the first and last record read, Unix milliseconds. */
  readonly firstAt?: number;
  readonly lastAt?: number;
  /** Records that a cosigned head covers; absent without a policy. */
  readonly witnessed?: number;
  /** Records under a line of the log's ML-DSA-44 key; absent where none was given. */
  readonly mlDsa?: number;
  /** Of its seals; absent where no authorities of time-stamping services were given. */
  readonly timestamps?: TimestampCounts;
  /** Absent where no event is numbered, or not all records were looked at. */
  readonly producers?: ProducerCounts;
}

/** Records and checkpoints over time, for the plot. A checkpoint counts at the receivedAt of its last record. */
export interface Timeline {
  /** Width of a bin in milliseconds; bins are aligned to multiples of it since the Unix epoch. */
  readonly binMs: number;
  /** Unix milliseconds at which the first bin begins. */
  readonly start: number;
  /** One count per bin. */
  readonly records: readonly number[];
  readonly checkpoints: readonly number[];
}

/** A public key that was trusted, or that the archive holds or uses. */
export interface KeyUse {
  readonly name: string;
  /** The signed-note key ID, 8 lower-case hex digits. */
  readonly keyId: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p256';
  /** SHA-256 of the SubjectPublicKeyInfo in DER, lower-case hex: what to compare with the fingerprint published out of band. */
  readonly fingerprint: string;
  readonly trusted: boolean;
  /** Checkpoint sizes for which it is trusted, both inclusive; absent: no bound. */
  readonly from?: number;
  readonly to?: number;
  /** Checkpoints that it validly signed. */
  readonly signed: number;
}

/** A checkpoint that the auditor kept, and what came of comparing it. */
export interface PreviousResult {
  readonly name: string;
  readonly origin?: string;
  readonly size?: number;
  readonly verdict: Verdict;
}

/** The evidence that an archive should hold a trail. */
export type TrailEvidence = 'trusted_key' | 'archived_key' | 'system_record' | 'head_statement';

/** A trail that an archive should hold. */
export interface ExpectedTrail {
  readonly trail: string;
  /** At least one. `system_record`: `_system` records that the trail began. `head_statement`: `_heads` states a head of it. */
  readonly evidence: readonly TrailEvidence[];
  /** True if the archive holds anything of it. */
  readonly isThere: boolean;
}

/** The verdict of a policy's witnesses. */
export interface WitnessReport {
  /** Records of `_heads` under the largest checkpoint that the quorum cosigned; absent: there is none. */
  readonly size?: number;
  /** Who cosigned it, by their names in the policy and of their keys, and when, in Unix seconds. */
  readonly by: readonly { readonly witness: string; readonly key: string; readonly time: number }[];
}

/** A part of an archive that was asked for. */
export interface Scope {
  readonly trails: readonly string[];
  /** Of the one trail, 0-based, `to` exclusive; without it, to the end. */
  readonly range?: { readonly from: number; readonly to?: number };
}

/** The changes since an earlier report. */
export interface Since {
  /** When that one was made; Unix milliseconds. */
  readonly startedAt: number;
  readonly verdict: Verdict;
  /** Problems of this report that the earlier one does not list. */
  readonly added: readonly Problem[];
  /** How many of its findings are gone. */
  readonly gone: number;
  /** Proven sizes then and now; absent: the trail was not there, or nothing of it was proven. */
  readonly trails: readonly { readonly trail: string; readonly from?: number; readonly to?: number }[];
}

/** The result of a verification; plain JSON. */
export interface Report {
  readonly format: 'sealtrail-verification/1';
  readonly verdict: Verdict;
  /** The subject of the verification, in the caller's words: a folder or an `s3://` address. */
  readonly source: string;
  /** Who made the report, in the words of the command line: program, version, and the command that repeats it. */
  readonly program?: { readonly name: string; readonly version: string; readonly command: string };
  /**
   * SHA-256, lower-case hex, of what was verified: every name and size that was listed, and the proven root of each trail. The
   * same archive gives the same digest.
   */
  readonly digest: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly finishedAt: number;
  /** The part of every origin before the trail. */
  readonly logName?: string;
  /** Where the log name came from. `archive`: from the first checkpoint read; compare it with what you expect. */
  readonly logNameFrom?: 'given' | 'keys' | 'archive';
  /** The request, so that it can be repeated; absent: the whole archive. */
  readonly scope?: Scope;
  readonly trails: readonly Coverage[];
  /** The trails that there should be, by name; absent where single trails were asked for. */
  readonly expectedTrails?: readonly ExpectedTrail[];
  readonly skipped: readonly Skipped[];
  /** The first 100 of each kind, sorted by trail, record and object. */
  readonly problems: readonly Problem[];
  /** How many there were in all, by kind; kinds that did not occur are absent. */
  readonly problemCounts: Readonly<Partial<Record<ProblemKind, number>>>;
  readonly keys: readonly KeyUse[];
  readonly previous: readonly PreviousResult[];
  /** Under a policy. */
  readonly witnesses?: WitnessReport;
  /** Against an earlier report. */
  readonly since?: Since;
  readonly timeline?: Timeline;
}

/** How far a verification is. Called at most some ten times a second. */
export interface Progress {
  readonly trail: string;
  /** Records checked so far, over all trails, and how many there are to check as far as is known. */
  readonly records: number;
  readonly totalRecords: number;
  /** Problems found so far. */
  readonly problems: number;
}

export type OnProgress = (progress: Progress) => void;

/** The exit code of `sealtrail verify`: 0 ok; 1 not right; 2 nothing contradicted, but something could not be read. */
export function exitCodeOf(report: Report): 0 | 1 | 2 {
  if (report.verdict === 'ok') return 0;
  const kinds = Object.keys(report.problemCounts).filter((kind) => !isNote(kind as ProblemKind)); // keys of that record
  return kinds.length > 0 && kinds.every((kind) => kind === 'unreadable') ? 2 : 1;
}
