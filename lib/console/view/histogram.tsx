import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { count, many, moment } from '../browser/format.ts';
import type { Api } from '../data/api.ts';
import { type Counted, counted } from '../data/counts.ts';
import type { Period, Question } from '../data/question.ts';

/** The counts of a question, asked anew when it changes. */
export function useCounts(
  api: Api,
  question: Question,
  period: Period,
  bucket: 'minute' | 'hour' | 'day',
): Counted | undefined {
  const [found, setFound] = useState<Counted>();
  const asked = JSON.stringify([question.trails, question.chips, period, bucket]);
  // `asked` is all of it.
  useEffect(() => {
    const stopped = new AbortController();
    setFound(undefined);
    if (question.trails.length > 0)
      counted(api, question, period, bucket, stopped.signal).then(setFound, () => undefined); // the list says why
    return () => stopped.abort();
  }, [api, asked]);
  return found;
}

const BUCKET_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const BARS = 96;

interface Props {
  readonly api: Api;
  readonly question: Question;
  readonly period: Period;
  readonly ask: (change: Partial<Question>) => void;
}

/** Records over time: drag over it, or use the arrow keys and Enter, to look closer. */
export function Histogram({ api, question, period, ask }: Props) {
  const span = (period.to ?? Date.now()) - (period.from ?? 0);
  const bucket = span <= 6 * 3_600_000 ? 'minute' : span <= 14 * 86_400_000 ? 'hour' : 'day';
  const found = useCounts(api, question, period, bucket);
  const bins = useMemo(() => binsOf(found, period, BUCKET_MS[bucket]), [found, period, bucket]);
  const [marked, setMarked] = useState<readonly [number, number]>();
  const start = useRef<number | undefined>(undefined);
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const place = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return Math.max(0, Math.min(bins.length - 1, Math.floor(((event.clientX - box.left) / box.width) * bins.length)));
  };
  const zoom = ([a, b]: readonly [number, number]) => {
    const [low, high] = [bins[Math.min(a, b)], bins[Math.max(a, b)]];
    setMarked(undefined);
    start.current = undefined;
    if (low && high) ask({ from: String(low.from), to: String(high.to), open: '' });
  };
  const onKey = (event: KeyboardEvent) => {
    const [from, to] = marked ?? [0, 0];
    if (event.key === 'Enter') zoom([from, to]);
    else if (event.key === 'Escape') setMarked(undefined);
    else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      const next = Math.max(0, Math.min(bins.length - 1, to + (event.key === 'ArrowRight' ? 1 : -1)));
      setMarked(event.shiftKey ? [from, next] : [next, next]);
    } else return;
    event.preventDefault();
  };
  const [low, high] = marked ? [Math.min(...marked), Math.max(...marked)] : [-1, -1];
  const chosen = marked && bins.slice(low, high + 1);
  const text = chosen
    ? `${moment(chosen[0]?.from ?? 0, question.clock)} to ${moment(chosen.at(-1)?.to ?? 0, question.clock)}: ${many(
        chosen.reduce((sum, bin) => sum + bin.count, 0),
        'record',
      )}`
    : found
      ? many(found.total, 'record')
      : 'Counting…';
  return (
    <section class="histogram" aria-label="Records over time">
      <div
        role="slider"
        tabIndex={0}
        aria-label="Records over time: arrow keys choose, with Shift a range, Enter zooms"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, bins.length - 1)}
        aria-valuenow={Math.max(0, high)}
        aria-valuetext={text}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          start.current = place(event);
          setMarked([start.current, start.current]);
        }}
        onPointerMove={(event) => setMarked([start.current ?? place(event), place(event)])}
        onPointerUp={(event) => start.current !== undefined && zoom([start.current, place(event)])}
        onPointerLeave={() => start.current === undefined && setMarked(undefined)}
      >
        <svg viewBox={`0 0 ${Math.max(1, bins.length) * 10} 100`} preserveAspectRatio="none" aria-hidden="true">
          {bins.map((bin, at) => (
            <rect
              key={bin.from}
              class={at >= low && at <= high ? 'bar is-marked' : 'bar'}
              x={at * 10}
              width={9}
              y={bin.count === 0 ? 99 : 98 - (95 * bin.count) / most}
              height={bin.count === 0 ? 1 : 2 + (95 * bin.count) / most}
            />
          ))}
        </svg>
      </div>
      <p class="axis">
        <span>{bins[0] && moment(bins[0].from, question.clock)}</span>
        <span>
          {text} {found && <em title="Counts are the log’s own: what is listed is checked.">counted by the log</em>}
        </span>
        <span>{bins[0] && moment(bins.at(-1)?.to ?? 0, question.clock)}</span>
      </p>
    </section>
  );
}

interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Bars of one width, as many as a page shows, each of whole buckets. */
function binsOf(found: Counted | undefined, { from, to }: Period, bucket: number): Bin[] {
  const [first, last] = [found?.bars[0], found?.bars.at(-1)];
  if (!found || !first || !last) return [];
  const start = Math.floor((from ?? first.from) / bucket) * bucket;
  const end = Math.max(to ?? Date.now(), last.from + bucket);
  const width = Math.ceil((end - start) / bucket / BARS) * bucket;
  const bins = Array.from({ length: Math.ceil((end - start) / width) }, (_, at) => ({
    from: start + at * width,
    to: start + (at + 1) * width,
    count: 0,
  }));
  for (const bar of found.bars) {
    const bin = bins[Math.floor((bar.from - start) / width)];
    if (bin) bin.count += bar.count;
  }
  return bins;
}

/** `1,204` beside a bar as long as its share. */
export function CountBar({ value, most }: { readonly value: number; readonly most: number }) {
  return (
    <>
      <svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar" width={Math.max(1, (100 * value) / Math.max(1, most))} height={10} />
      </svg>
      <span class="number">{count(value)}</span>
    </>
  );
}
