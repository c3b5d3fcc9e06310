import type { Activity, Summary } from '../../contract/summary.ts';
import { DAY_MS } from '../../contract/time.ts';
import type { VerificationProblem, VerificationRange } from '../../contract/verification.ts';
import { SealtrailError } from '../../log/error.ts';
import { momentIn } from '../../question/moments.ts';
import { literalValue } from '../../question/patterns.ts';
import { bucketFor, Tally } from '../../question/tally.ts';
import type { KeptEvent } from '../event/sink.ts';
import { type AskSink, type KeepingSink, recordOf, SinkMasks } from './kept-records.ts';
import type { IntegrityReport, IntegrityScope, LogRecord, SummaryQuery } from './reader.ts';

const MAX_DAYS = 3660;
/** Problems that are listed, as of a log. */
const MAX_PROBLEMS = 100;

/** The counts that a log would give. */
export async function summarizeSink(ask: AskSink, query: SummaryQuery): Promise<Summary> {
  const { by, bucket, clock, top, ...filters } = query;
  const now = Date.now();
  const view = {
    clock,
    zone: query.tz,
    by: by === undefined ? undefined : [by].flat().flatMap((one) => one.split(',')),
  };
  const fine = tallyOf({ ...view, bucket: bucket ?? 'minute' });
  let asOf = 0;
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  const onRecord = ({ seq, receivedAt }: LogRecord): void => {
    asOf = Math.max(asOf, seq + 1);
    [first, last] = [Math.min(first, receivedAt), Math.max(last, receivedAt)];
  };
  const masks = new SinkMasks(filters);
  for await (const record of ask({ ...filters, order: 'oldest' }, onRecord)) {
    fine.add(record);
    masks.see(record);
  }
  const times = { from: momentOf(query.from, now, query.tz), to: momentOf(query.to, now, query.tz) };
  const span = Math.min(times.to ?? last, last) - (times.from ?? first);
  const tally = tallyOf({ ...view, bucket: bucket ?? bucketFor(Math.max(0, span)) });
  tally.addPart(fine.counts(Number.POSITIVE_INFINITY));
  const period = Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined));
  return { ...period, asOf, ...tally.counts(top), ...masks.found, scanned: asOf, more: false };
}

function tallyOf(options: ConstructorParameters<typeof Tally>[0]): Tally {
  try {
    return new Tally(options);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw new SealtrailError('invalid_parameter', `by: ${error.message}`, { field: 'by', cause: error });
  }
}

const momentOf = (time: string | number | undefined, now: number, zone: string | undefined): number | undefined =>
  time === undefined ? undefined : momentIn(String(time), { now, zone });

/** An actor's counts over the last days, as a log gives them. @throws `invalid_parameter` for days that are none */
export async function sinkActivity(ask: AskSink, actor: string, days = 30): Promise<Activity> {
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new SealtrailError('invalid_parameter', `days: must be from 1 to ${MAX_DAYS}`, { field: 'days' });
  }
  const from = Date.now() - days * DAY_MS;
  const tally = new Tally({ bucket: 'day' });
  let last: LogRecord | undefined;
  const masks = new SinkMasks({ actor: literalValue(actor) });
  for await (const record of ask({ actor: literalValue(actor), from, order: 'oldest' })) {
    tally.add(record);
    masks.see(record);
    last = record;
  }
  const { total, by } = tally.counts();
  const [masked] = masks.found.masked ?? [];
  const counted = { actor, from, total, byType: by.type, byOutcome: by.outcome, ...(masked && { masked }) };
  return last === undefined
    ? counted
    : { ...counted, last: { seq: last.seq, receivedAt: last.receivedAt, type: last.event.type } };
}

/** Throws for questions that a sink cannot answer. */
const UNSEEN =
  'Whether events were changed, added or taken out: nothing signs or chains what a sink keeps, as a log does.';

/** Looks at every event of a sink, and says which of them are damaged. @throws as `Sink.kept` */
export async function verifySink(sink: KeepingSink, scope: IntegrityScope): Promise<IntegrityReport> {
  const startedAt = Date.now();
  const asked = typeof scope === 'string' ? undefined : scope;
  const { from: first = 0, to: last = Number.POSITIVE_INFINITY } = asked ?? {};
  const problems: VerificationProblem[] = [];
  const { name: trail, evicted = 0 } = sink;
  let found = 0;
  let size = evicted;
  for await (const kept of sink.kept('oldest')) {
    size = kept.seq + 1;
    if (kept.seq < first || kept.seq >= last || recordOf(sink, kept) !== undefined) continue;
    found += 1;
    if (problems.length < MAX_PROBLEMS) problems.push(problemOf(kept));
  }
  const { from, to } = asked === undefined ? { from: evicted, to: size } : looked(asked, size, evicted);
  const gone = evicted > 0 ? [`Events 0 to ${evicted - 1}, of which the ${trail} sink has let go.`] : [];
  return {
    ...{ trail, mode: typeof scope === 'string' ? scope : 'range', ...(asked && { range: { from, to } }) },
    ...{ verdict: found === 0 ? 'ok' : 'damaged', from, to, archivedFrom: 0, archivedTo: 0, expired: 0 },
    ...{ problems, moreProblems: found - problems.length, notLookedAt: [UNSEEN, ...gone] },
    ...{ startedAt, ms: Date.now() - startedAt },
  };
}

function problemOf({ seq, place }: KeptEvent): VerificationProblem {
  const message = `${place ?? `event ${seq}`} is not an event: it was cut off or overwritten`;
  return { kind: 'unreadable', seq, ...(place !== undefined && { object: place }), message };
}

/** @throws `invalid_parameter` for a range that is empty or beyond the end, as a log does */
function looked({ from = 0, to }: VerificationRange, size: number, evicted: number): { from: number; to: number } {
  const end = to ?? size;
  if (end > size) {
    throw new SealtrailError('invalid_parameter', `to: must not be above ${size}, the number of events`, {
      field: 'to',
    });
  }
  if (from >= end) throw new SealtrailError('invalid_parameter', 'from: must be below `to`', { field: 'from' });
  return { from: Math.max(from, evicted), to: end };
}
