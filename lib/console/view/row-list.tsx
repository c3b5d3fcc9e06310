import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Absence } from '../../contract/query.ts';
import { differencesOf } from '../../json/differences.ts';
import { isObject } from '../../log/json.ts';
import { exactly, moment, shown } from '../browser/format.ts';
import type { Listing } from '../browser/use-rows.ts';
import type { Question } from '../data/question.ts';
import { type Row, recordOf, rowName, type Trust } from '../data/rows.ts';

interface Props {
  readonly listing: Listing;
  readonly question: Question;
  readonly ask: (change: Partial<Question>, replaces?: boolean) => void;
  readonly onMore: () => void;
  /** Shows all rows at once. */
  readonly isPrinting: boolean;
}

/** Pixels of a row: all have the same, so that only those in view need to be there. */
const ROW = 28;
/** Rows beyond the view that are there all the same. */
const SPARE = 12;
/** Browsers have no taller elements than some 17 million pixels. */
const TALLEST = 12_000_000;

const MARKS: Readonly<Record<Trust, readonly [mark: string, name: string]>> = {
  unchecked: ['○', 'not checked'],
  checked: ['✓', 'checked'],
  refused: ['✕', 'refused'],
};

/** The records, however many: those in view are drawn. */
export function RowList({ listing, question, ask, onMore, isPrinting }: Props) {
  const { rows, isDone, isLoading, standings } = listing;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const chosen = rows.findIndex((row) => rowName(row) === question.open);
  const [at, setAt] = useState(Math.max(0, chosen));
  const tall = Math.min(rows.length * ROW, TALLEST);
  // Of more rows than an element can be tall for, a pixel of the bar stands for more than one of the list.
  const scale = tall <= height ? 1 : (rows.length * ROW - height) / (tall - height);
  const first = isPrinting ? 0 : Math.max(0, Math.floor((top * scale) / ROW) - SPARE);
  const last = isPrinting ? rows.length : Math.min(rows.length, first + Math.ceil(height / ROW) + 2 * SPARE);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, [rows.length === 0]);
  useEffect(() => {
    if (!isDone && !isLoading && last > rows.length - 100) onMore();
  }, [isDone, isLoading, last, rows.length, onMore]);

  const goTo = (next: number) => {
    const place = Math.max(0, Math.min(rows.length - 1, next));
    setAt(place);
    const element = box.current;
    if (!element) return;
    const above = (place * ROW) / scale;
    if (above < element.scrollTop) element.scrollTop = above;
    else if (above + ROW > element.scrollTop + element.clientHeight)
      element.scrollTop = above + ROW - element.clientHeight;
    const row = rows[place];
    if (question.open !== '' && row) ask({ open: rowName(row) }, true);
  };
  const onKey = (event: KeyboardEvent) => {
    const page = Math.floor(height / ROW) - 1;
    const moves: Readonly<Record<string, number>> = {
      ...{ ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 },
      ...{ PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 },
    };
    const move = moves[event.key];
    const row = rows[at];
    if (move !== undefined) goTo(move);
    else if (event.key === 'Enter' && row) ask({ open: rowName(row) });
    else return;
    event.preventDefault();
  };
  const hasTrails = question.trails.length > 1;
  const current = rows[at];
  if (rows.length === 0) return <Empty listing={listing} absences={standings.flatMap(({ absence = [] }) => absence)} />;
  return (
    <div
      ref={box}
      class="rows"
      role="grid"
      tabIndex={0}
      aria-label="Records, newest first"
      aria-rowcount={isDone ? rows.length : -1}
      aria-activedescendant={current && `row-${rowName(current)}`}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKey}
    >
      <div class="sizer" role="presentation" style={{ height: isPrinting ? 'auto' : `${tall}px` }}>
        {rows.slice(first, last).map((row, offset) => (
          <RowLine
            key={rowName(row)}
            row={row}
            place={first + offset}
            y={isPrinting ? undefined : (first + offset) * ROW - top * scale + top}
            question={question}
            hasTrail={hasTrails}
            isCurrent={first + offset === at}
            onOpen={() => {
              setAt(first + offset);
              ask({ open: rowName(row) });
            }}
          />
        ))}
      </div>
      {isLoading && <p class="loading">Loading…</p>}
    </div>
  );
}

interface LineProps {
  readonly row: Row;
  readonly place: number;
  readonly y: number | undefined;
  readonly question: Question;
  readonly hasTrail: boolean;
  readonly isCurrent: boolean;
  readonly onOpen: () => void;
}

function RowLine({ row, place, y, question, hasTrail, isCurrent, onOpen }: LineProps) {
  const { event } = recordOf(row.line);
  const [actor, resource] = [event.actor, event.resource].map((one) => (isObject(one) ? one : {}));
  const [mark, trust] = MARKS[row.trust];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the focus and takes the keys, and names the row as active
    <div
      id={`row-${rowName(row)}`}
      class={`line is-${row.trust} severity-${shown(event.severity)}${isCurrent ? ' is-current' : ''}`}
      role="row"
      aria-rowindex={place + 1}
      aria-selected={question.open === rowName(row)}
      style={y === undefined ? {} : { transform: `translateY(${y}px)` }}
      onClick={onOpen}
    >
      <span role="gridcell" class="mark" title={trust} aria-label={trust}>
        {mark}
      </span>
      <span role="gridcell" class="when" title={exactly(row.receivedAt)}>
        {moment(row.receivedAt, question.clock)}
      </span>
      {hasTrail && (
        <span role="gridcell" class="trail">
          {row.trail}
        </span>
      )}
      <span role="gridcell" class="type">
        {shown(event.type)}
      </span>
      <span role="gridcell" class="who">
        {shown(actor?.name ?? actor?.id)}
      </span>
      <span role="gridcell" class="what">
        {shown(resource?.name ?? resource?.id ?? resource?.type)}
      </span>
      <span role="gridcell" class={`outcome is-${shown(event.outcome ?? event.decision)}`}>
        {shown(event.outcome ?? event.decision)}
      </span>
      <span role="gridcell" class="said">
        {saidIn(event)}
      </span>
    </div>
  );
}

/** The rest of an event, besides who did what to what: on one line. */
function saidIn({ description, changes, details }: Readonly<Record<string, unknown>>): string {
  if (typeof description === 'string') return shown(description);
  if (isObject(changes)) return shown(Object.keys(differencesOf(changes.before, changes.after)).join(', '));
  const members = isObject(details) ? Object.entries(details) : [];
  return shown(members.map(([name, value]) => `${name} ${shown(value, 60)}`).join(', '));
}

function Empty({ listing, absences }: { readonly listing: Listing; readonly absences: readonly unknown[] }) {
  if (listing.isLoading) return <p class="loading">Asking the log…</p>;
  if (listing.error) return <p class="notice">The log did not answer: {listing.error.message}</p>;
  const reasons = absences.filter(isObject).map((one) => whyAbsent(one as unknown as Absence)); // of the log: it is only shown
  return (
    <div class="notice" role="status">
      <p>No record passes.</p>
      <ul>
        {reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </div>
  );
}

function whyAbsent({ reason, trail, filter, value, near = [], first, newest }: Absence): string {
  const day = (at: number | undefined) => (at === undefined ? '' : ` (${exactly(at)})`);
  switch (reason) {
    case 'no_trail':
      return `${trail} has no record.`;
    case 'period_before':
      return `The period ends before the first record of ${trail}${day(first)}.`;
    case 'period_after':
      return `The period begins after the newest record of ${trail}${day(newest)}.`;
    case 'period_empty':
      return `${trail} has records before and after the period, and none in it.`;
    case 'no_such_value':
      return `No record of ${trail} has ${filter} ${value}.${near.length > 0 ? ` There are: ${near.join(', ')}.` : ''}`;
    default:
      return `Every value is in ${trail}, and no record of the period passes all filters.`;
  }
}
