import { parseRecord } from '../log/record.ts';
import type { Match, Period } from './query.ts';
import { type Breakdown, breakdown, DEFAULT_TOP } from './summary.ts';

/** What somebody did over a period. */
export interface Activity extends Period {
  readonly actor: string;
  readonly total: number;
  readonly byType: Breakdown;
  readonly byOutcome: Breakdown;
  /** The newest record of it. */
  readonly last?: { readonly seq: number; readonly receivedAt: number; readonly type: string };
}

/** Sums up an actor's records, which come newest first. */
export async function activityOf(
  actor: string,
  period: Period,
  matches: AsyncIterable<readonly Match[]>,
): Promise<Activity> {
  const types = new Map<string, number>();
  const outcomes = new Map<string, number>();
  let total = 0;
  let last: Activity['last'];
  for await (const some of matches) {
    for (const { seq, line } of some) {
      const { event, receivedAt } = parseRecord(line);
      const type = String(event.type);
      total += 1;
      last ??= { seq, receivedAt, type };
      types.set(type, (types.get(type) ?? 0) + 1);
      const outcome = event.outcome;
      if (typeof outcome === 'string') outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  return {
    actor,
    ...period,
    total,
    byType: breakdown(types, DEFAULT_TOP),
    byOutcome: breakdown(outcomes, DEFAULT_TOP),
    ...(last === undefined ? {} : { last }),
  };
}
