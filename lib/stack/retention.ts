import { Duration } from 'aws-cdk-lib';
import { MIN_HOT_DAYS, type RetentionConfig, retentionConfigSchema } from '../followers/expiry/retention.ts';
import { issueText } from '../json/parse-or-throw.ts';
import { assertKept, type Regime, type RegimeLabel } from './regimes.ts';
import type { Lock, StageDefaults } from './resources/stage.ts';

/** How long records stay in the table and the archive. For single trails, omitted properties are as for all trails. */
export interface RetentionProps {
  /**
   * How long blocks stay in the table after they are archived; whole days, at least three. After that they are read from the
   * archive. A change does not affect blocks whose expiry is already set.
   *
   * @default a week in dev, 90 days in prod
   */
  readonly hotFor?: Duration | 'forever';
  /**
   * How long each archived object is locked, from the moment it is written; whole days.
   *
   * @default one day in dev, seven years in prod
   */
  readonly archiveFor?: Duration;
  /**
   * The lock mode of archived objects. Compliance cannot be undone by anyone: the bucket remains, and costs money, until the
   * last lock has expired.
   *
   * @default governance in dev, compliance in prod
   */
  readonly lock?: Lock;
  /**
   * Rules that ask for records to be kept: a deployment is refused whose `archiveFor` is too short for one of them.
   * `eu-ai-act`: six months (articles 19 and 26). `pci-dss`: twelve months (requirement 10.5.1).
   *
   * @default none
   */
  readonly keptFor?: readonly Regime[];
}

/** The retention of some trails. */
export interface TrailRetentionProps extends RetentionProps {
  /** A trail's name, in which `*` matches any characters. */
  readonly trail: string;
}

/**
 * The retention of all trails, with the exceptions.
 *
 * @throws RangeError for a time that is too short or not in whole days, too short for what the trails are kept for, or a pattern that matches no trail name
 */
export function retentionOf(
  all: RetentionProps,
  trails: readonly TrailRetentionProps[],
  stage: StageDefaults,
): RetentionConfig {
  const config = {
    default: daysOf({
      hotFor: all.hotFor ?? stage.hot,
      archiveFor: all.archiveFor ?? stage.archive,
      lock: all.lock ?? stage.lock,
    }),
    trails: trails.map(({ trail, ...props }) => ({ trail, ...daysOf(props) })),
  };
  const parsed = retentionConfigSchema.safeParse(config);
  if (!parsed.success) throw new RangeError(`retention: ${issueText(parsed.error).text}`);
  assertKept(parsed.data, [
    ...labelsOf(all, '*', -1),
    ...trails.flatMap((one, entry) => labelsOf(one, one.trail, entry)),
  ]);
  return parsed.data;
}

function labelsOf({ keptFor = [] }: RetentionProps, trail: string, entry: number): RegimeLabel[] {
  return keptFor.map((regime) => ({ regime, trail, entry }));
}

function daysOf({ hotFor, archiveFor, lock }: RetentionProps) {
  if (hotFor !== undefined && hotFor !== 'forever' && hotFor.toDays() < MIN_HOT_DAYS) {
    throw new RangeError(`hotFor must be at least ${MIN_HOT_DAYS} days, or 'forever'`);
  }
  if (archiveFor !== undefined && archiveFor.toDays() < 1) throw new RangeError('archiveFor must be at least one day');
  return {
    ...(hotFor === undefined ? {} : { hotDays: hotFor === 'forever' ? hotFor : hotFor.toDays() }),
    ...(archiveFor === undefined ? {} : { archiveDays: archiveFor.toDays() }),
    ...(lock === undefined ? {} : { lock }),
  };
}

const MIN_DELAY = Duration.minutes(1);
const MAX_DELAY = Duration.hours(6);

/** @throws RangeError for an archive delay that is too short to matter, or so long that only the table would hold too much */
export function checkedDelay(delay: Duration | undefined): Duration | undefined {
  if (delay === undefined) return undefined;
  const seconds = delay.toSeconds();
  if (seconds >= MIN_DELAY.toSeconds() && seconds <= MAX_DELAY.toSeconds()) return delay;
  throw new RangeError(`archiveDelay must be one minute to six hours, not ${seconds} seconds`);
}

/** @throws RangeError for rounds of witnesses that are too frequent for the sweeps, or so rare that verifiers would miss cosignatures */
export function checkedRounds(every: Duration | undefined): Duration | undefined {
  if (every === undefined) return undefined;
  const seconds = every.toSeconds();
  if (seconds >= 30 && seconds <= 300) return every;
  throw new RangeError(`witnessEvery must be half a minute to five minutes, not ${seconds} seconds`);
}
