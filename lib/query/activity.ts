import type { Activity } from '../contract/summary.ts';
import { parseRecord } from '../log/record.ts';
import { breakdown, DEFAULT_TOP } from '../question/tally.ts';
import type { Match, Period } from './query.ts';

/** The dimensions that an activity counts by. */
export const ACTIVITY_COUNTED = ['type', 'outcome'] as const;

/** Counts of an actor's records. */
export interface ActivityCounts {
  total: number;
  readonly values: Readonly<Record<(typeof ACTIVITY_COUNTED)[number], Map<string, number>>>;
}

/** Empty counts. */
export const noActivity = (): ActivityCounts => ({ total: 0, values: { type: new Map(), outcome: new Map() } });

/** Adds more of an actor's records to counts. */
export function countMatches(counts: ActivityCounts, matches: readonly Match[]): void {
  counts.total += matches.length;
  for (const { line } of matches) {
    const { event } = parseRecord(line);
    for (const dimension of ACTIVITY_COUNTED) {
      const value = event[dimension];
      if (typeof value !== 'string' || value === '') continue;
      const values = counts.values[dimension];
      values.set(value, (values.get(value) ?? 0) + 1);
    }
  }
}

/** @param newest the actor's newest record, if any */
export function activityOf(
  actor: string,
  period: Period,
  { total, values }: ActivityCounts,
  newest: Match | undefined,
): Activity {
  const counted = {
    actor,
    ...period,
    total,
    byType: breakdown(values.type, DEFAULT_TOP),
    byOutcome: breakdown(values.outcome, DEFAULT_TOP),
  };
  if (newest === undefined) return counted;
  const { event, receivedAt } = parseRecord(newest.line);
  return { ...counted, last: { seq: newest.seq, receivedAt, type: String(event.type) } };
}
