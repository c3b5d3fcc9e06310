import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Policy } from '../../log/policy.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { MlDsaKeys } from '../attested/ml-dsa.ts';
import { isKeyName, type TrustedKeys } from '../evidence/trust.ts';
import type { OnProgress } from '../report/report.ts';
import type { SegmentLimits } from '../shards/shard-job.ts';
import type { WorkerPlan } from '../shards/worker-pool.ts';
import type { KeptCheckpoint } from './previous.ts';
import type { EarlierReport } from './since-report.ts';

/** The scope of a verification, and the keys to trust. */
export interface VerifyOptions {
  /** Keys that are trusted; at least one. See `parseTrustedKeys`. */
  readonly trust: TrustedKeys;
  /** Trails to look at. @default all that the archive holds */
  readonly trails?: readonly string[];
  /** Records to look at in the one trail that is named: 0-based, `to` exclusive; without it, to the end. @default all */
  readonly range?: { readonly from: number; readonly to?: number };
  /** The name that the log must have. @default that of the trusted vkeys, else that of the first trusted checkpoint */
  readonly logName?: string;
  /** Checkpoints kept from earlier, which the archive must extend. */
  readonly previous?: readonly KeptCheckpoint[];
  /** Witnesses, and how many of them must have cosigned. @default cosignatures are not judged */
  readonly policy?: Policy;
  /** Authorities that may have issued the certificates of time-stamping services, in PEM. @default time-stamps are not judged */
  readonly authorities?: string;
  /** ML-DSA-44 keys of the log, a line of which must cover all records. See `parseMlDsaKeys`. @default those lines are not judged */
  readonly mlDsaKeys?: MlDsaKeys;
  /** A report of an earlier verification of the same scope, to compare with. See `parseEarlierReport`. */
  readonly earlier?: EarlierReport;
  /** Work in parallel. @default in this thread */
  readonly workers?: WorkerPlan;
  /** Where the archiver ends a segment. @default 50,000 records or 16,000,000 bytes, as it does */
  readonly segmentLimits?: SegmentLimits;
  /** The archive's name in the report: a folder, an `s3://` address. @default 'archive' */
  readonly source?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

/** The options, with the trail of heads: under a policy it is looked at too, since only the heads are cosigned. */
export function withHeads(options: VerifyOptions): VerifyOptions {
  const { policy, trails } = options;
  if (policy === undefined || trails === undefined || trails.includes(HEADS_TRAIL)) return options;
  return { ...options, trails: [...trails, HEADS_TRAIL] };
}

/** @throws `usage` for options that do not go together */
export function checkOptions({ trust, range, trails, logName, policy, previous = [] }: VerifyOptions): void {
  if (trust.length === 0) throw new SealtrailError('usage', 'a verification needs at least one trusted key');
  if (logName !== undefined && !isKeyName(logName)) {
    throw new SealtrailError('usage', 'the name of a log has no spaces, plus or control characters');
  }
  const odd = trails?.find((trail) => !isTrailName(trail) && !isSystemTrailName(trail));
  if (odd !== undefined) throw new SealtrailError('usage', `${JSON.stringify(odd)} is not the name of a trail`);
  if (range === undefined) return;
  if (policy !== undefined) throw new SealtrailError('usage', 'witnesses cosign whole trails, not a range');
  if (trails?.length !== 1) throw new SealtrailError('usage', 'a range of records needs exactly one trail');
  const { from, to = Number.POSITIVE_INFINITY } = range;
  if (from < 0 || from >= to) {
    throw new SealtrailError('usage', `a range goes from a record up to a later one, not from ${from} to ${to}`);
  }
  if (previous.length > 0)
    throw new SealtrailError('usage', 'a kept checkpoint is compared with a whole trail, not a range');
}
