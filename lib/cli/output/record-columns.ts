import type { SealedRecord } from '../../log/record.ts';
import { shownField, timeOf } from '../../question/fields.ts';
import { shownTime, UTC } from '../../question/zones.ts';
import type { Column } from './table.ts';
import { type Output, painter, widthOf } from './terminal.ts';

const SEVERITY_FORMAT: Readonly<Record<string, Parameters<ReturnType<typeof painter>>[0]>> = {
  debug: 'gray',
  warning: 'yellow',
  error: 'red',
  critical: ['red', 'bold'],
};
const OUTCOME_FORMAT: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  success: 'green',
  denied: 'yellow',
  blocked: 'yellow',
  failure: 'red',
  error: 'red',
};

/** From these widths on there is room for more than the essential columns. */
const NARROW = 52;
const WIDE = 110;
const VERY_WIDE = 140;

/** The subject of a table: events, or the actions of one agent, where who acted goes without saying. */
export type View = 'events' | 'actions';

/** How records are shown. */
export interface TableOptions {
  /** Columns of the terminal. @default those of the output */
  readonly width?: number;
  /** @default `events` */
  readonly view?: View;
  /** The time zone of all times. @default UTC */
  readonly zone?: string | undefined;
  /** The columns to show: see {@link chosenColumn}. @default those that there is room for */
  readonly columns?: readonly string[] | undefined;
  /** True if each row says of which trail it is. @default where there are several */
  readonly namesTrails?: boolean;
}

/** A column of a table of records. */
export interface RecordColumn extends Column {
  readonly cell: (record: SealedRecord) => string;
  /** The width of the terminal from which on there is room for it. @default any */
  readonly from?: number;
}

/** The columns that there is room for, in terminals of 40 columns or more. */
export function columnsFor(
  records: readonly SealedRecord[],
  out: Output,
  { width = widthOf(out), view = 'events', namesTrails, zone = UTC, columns: chosen }: TableOptions,
): readonly RecordColumn[] {
  if (chosen !== undefined) return chosen.map((name) => chosenColumn(name, zone));
  const paint = painter(out);
  const isOne = !(namesTrails ?? new Set(records.map(({ trail }) => trail)).size > 1);
  const isActions = view === 'actions';
  /** From a width on, where there is no column of trails that takes some of it. */
  const from = (columns: number): number => columns + (isOne ? 0 : 8);
  // What can be spared of a time: first the year, then the seconds.
  const time = width < from(NARROW) ? ([5, 16] as const) : width < WIDE ? ([5] as const) : ([0] as const);
  const columns: readonly RecordColumn[] = [
    ...(isOne ? [] : [{ title: 'trail', cut: 'middle', cell: ({ trail }: SealedRecord) => trail } as const]),
    { title: 'record', align: 'right', rigid: true, cell: ({ seq }) => String(seq) },
    {
      title: width < from(NARROW) ? placeOf(zone) : `received (${placeOf(zone)})`,
      rigid: true,
      cell: ({ receivedAt }) => shownTime(zone, receivedAt).slice(...time),
    },
    {
      title: width < WIDE ? 'happened' : `happened (${placeOf(zone)})`,
      rigid: true,
      from: from(80),
      cell: (record) => apart(record, zone, width < WIDE),
    },
    { title: 'type', cut: 'middle', cell: ({ event }) => text(event, 'type') },
    { title: 'action', from: isActions ? from(60) : WIDE, cell: ({ event }) => text(event, 'action') },
    { title: 'decision', from: from(isActions ? 40 : 80), cell: ({ event }) => text(event, 'decision') },
    {
      title: 'severity',
      rigid: true,
      from: WIDE,
      cell: ({ event }) => text(event, 'severity'),
      style: (padded, cell) => paint(SEVERITY_FORMAT[cell] ?? [], padded),
    },
    {
      title: 'outcome',
      rigid: true,
      from: from(NARROW),
      cell: ({ event }) => text(event, 'outcome'),
      style: (padded, cell) => paint(OUTCOME_FORMAT[cell] ?? [], padded),
    },
    {
      title: 'actor',
      from: isActions ? Number.POSITIVE_INFINITY : from(40),
      cell: ({ event }) => text(event, 'actor', 'id'),
    },
    { title: 'resource', from: from(68), cut: 'middle', cell: ({ event }) => resourceOf(event) },
    { title: 'project', from: VERY_WIDE, cell: ({ event }) => text(event, 'context', 'project') },
  ];
  return columns.filter(({ from = 0 }) => width >= from);
}

/** The clocks of producer and server differ, and events are on their way for a while. */
const TOGETHER_MS = 60_000;

/** When an event happened, where that is not when it was received; in short its time of the same day, or its date. */
function apart(record: SealedRecord, zone: string, isShort: boolean): string {
  const happened = timeOf(record, 'happened');
  if (happened === undefined || Math.abs(record.receivedAt - happened) < TOGETHER_MS) return '';
  const shown = shownTime(zone, happened);
  if (!isShort) return shown;
  return shown.slice(0, 10) === shownTime(zone, record.receivedAt).slice(0, 10) ? shown.slice(11) : shown.slice(0, 10);
}

/** Names of columns to choose besides dimensions and paths, with their values. */
const MEMBERS: Readonly<Record<string, (record: SealedRecord) => string>> = {
  trail: ({ trail }) => trail,
  record: ({ seq }) => String(seq),
  seq: ({ seq }) => String(seq),
};
const TIMES = ['received', 'happened'] as const;

/**
 * A column by its name: `trail`, `record`, `received`, `happened`, a filter such as `tenant`, or a path such as `details.amount`.
 *
 * @throws `invalid_parameter` for anything else
 */
export function chosenColumn(name: string, zone: string = UTC): RecordColumn {
  const clock = TIMES.find((one) => one === name);
  if (clock !== undefined) {
    const cell = (record: SealedRecord): string => {
      const time = timeOf(record, clock);
      return time === undefined ? '' : shownTime(zone, time);
    };
    return { title: `${name} (${placeOf(zone)})`, rigid: true, cell };
  }
  const member = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
  if (member !== undefined)
    return { title: name, rigid: true, align: name === 'trail' ? 'left' : 'right', cell: member };
  return { title: name, cell: shownField(name) };
}

/** A zone's name in a heading: the last part of its full name. */
export const placeOf = (zone: string): string => zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ');

function resourceOf(event: Readonly<Record<string, unknown>>): string {
  return [text(event, 'resource', 'type'), text(event, 'resource', 'id')].filter((part) => part !== '').join(' ');
}

/** The text at a path in an event, or none. */
function text(value: unknown, ...path: readonly string[]): string {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return '';
    at = Reflect.get(at, step);
  }
  return typeof at === 'string' ? at : '';
}
