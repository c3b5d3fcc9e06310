import { defined } from '../../base/defined.ts';
import { DAY_MS } from '../../contract/time.ts';
import { checkpointName, timestampName } from '../../log/archive.ts';
import { SealtrailError } from '../../log/error.ts';
import { MAX_CLOCK_AHEAD_MS } from '../../log/record.ts';
import type { Authorities } from '../../tsp/authorities.ts';
import type { Timestamp } from '../../tsp/check-timestamp.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { TrailInventory } from '../evidence/inventory.ts';
import type { Findings } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import type { Skipped, TimestampCounts } from '../report/report.ts';

/** An archived checkpoint with a time-stamp that holds. */
export interface Stamped extends Timestamp {
  readonly size: number;
}

/** A log seals once a day, and its service may be away for a while. */
const GRACE_MS = 2 * DAY_MS;

/**
 * Reads the time-stamps of a trail's seals: each must be over the archived checkpoint of its size, byte for byte.
 *
 * @param authorities who is trusted to have issued the services' certificates; undefined: nothing is read
 * @returns those that hold, by size
 */
export async function readTimestamps(
  { trail, timestamps, checkpoints }: TrailInventory,
  evidence: Evidence,
  authorities: Authorities | undefined,
  findings: Findings,
): Promise<readonly Stamped[]> {
  const archived = new Set(checkpoints);
  for (const size of timestamps.filter((one) => !archived.has(one))) {
    // Archived after its folder was listed, perhaps.
    if ((await evidence.read(checkpointName(trail, size), trail)) !== undefined) continue;
    const message = `${timestampName(trail, size)} is over a checkpoint that is not archived`;
    findings.add({ kind: 'missing_checkpoint', trail, object: checkpointName(trail, size), message });
  }
  if (authorities === undefined || timestamps.length === 0) return [];
  const { checkTimestamp } = await import('../../tsp/check-timestamp.ts');
  const stamped: Stamped[] = [];
  for (const size of timestamps) {
    const object = timestampName(trail, size);
    const response = await evidence.read(object, trail, 'bad_timestamp');
    const checkpoint = await evidence.read(checkpointName(trail, size), trail);
    if (response === undefined || checkpoint === undefined) continue;
    try {
      stamped.push({ size, ...(await checkTimestamp(response, checkpoint, { authorities })) });
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      const kind = error.code === 'bad_signature' ? 'not_timestamped' : 'bad_timestamp';
      findings.add({ kind, trail, object, message: error.message });
    }
  }
  return stamped;
}

/** The records whose times are wanted to judge time-stamps: the last that each covers, and the first that none does. */
export const timesWanted = (stamped: readonly Stamped[]): readonly number[] => [
  ...stamped.map(({ size }) => size - 1),
  stamped.at(-1)?.size ?? 0,
];

/** The judgement of a trail's time-stamps. */
interface Judged {
  readonly trail: string;
  readonly stamped: readonly Stamped[];
  /** Time-stamps that are archived. */
  readonly found: number;
  /** Records that are proven. */
  readonly size: number;
  /** When the records of {@link timesWanted} were received, Unix milliseconds. */
  readonly timedAt: ReadonlyMap<number, number>;
  readonly isAsked: boolean;
}

/** @param now Unix milliseconds */
export function judgeTimestamps({ trail, stamped, found, size, timedAt, isAsked }: Judged, now: number) {
  const problems: Problem[] = [];
  const skipped: Skipped[] = [];
  if (!isAsked) {
    if (found > 0)
      skipped.push({ trail, why: `${found} time-stamps of its seals: no --tsa-ca was given to judge them by` });
    return { problems, skipped };
  }
  for (const one of stamped) {
    const seq = one.size - 1;
    const receivedAt = timedAt.get(seq) ?? 0;
    if (receivedAt <= one.time + MAX_CLOCK_AHEAD_MS) continue;
    const message = `its time, ${iso(one.time)}, is before record ${seq} that it covers was received, ${iso(receivedAt)}: the clock of the log or of the service was wrong`;
    problems.push({ kind: 'bad_timestamp', trail, object: timestampName(trail, one.size), seq, message });
  }
  const newest = stamped.at(-1);
  const from = newest?.size ?? 0;
  if (from < size) {
    const receivedAt = timedAt.get(from);
    if (receivedAt !== undefined && now - receivedAt < GRACE_MS) {
      const why = 'not under a time-stamp yet: received within the last two days';
      skipped.push({ trail, records: { from, to: size }, why });
    } else {
      const message = 'no time-stamp that holds covers these records, although they are older than two days';
      problems.push({ kind: 'not_timestamped', trail, seq: from, lastSeq: size - 1, message });
    }
  }
  const counts: TimestampCounts = { found, held: stamped.length, ...defined({ newest }) };
  return { problems, skipped, counts };
}

const iso = (milliseconds: number): string => {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${milliseconds} ms` : date.toISOString();
};
