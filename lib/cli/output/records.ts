import * as z from 'zod';
import type { HttpRequest, SignedHttp } from '../../client/http/http.ts';
import { MASKED_FILTERS, type Masked } from '../../contract/query.ts';
import type { Shape } from '../../json/shape.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseJson } from '../../log/json.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import { type Column, columnWidths, printable, renderTable } from './table.ts';
import { type Output, painter, widthOf } from './terminal.ts';

/** A page of a query, as record lines. */
export interface LinePage {
  readonly lines: readonly string[];
  /** How many of them the log read from its archive. */
  readonly archived: number;
  /** How many records the log looked at for it. */
  readonly scanned: number;
  /** The trail's size that the answer holds for; of several trails each one's. */
  readonly asOf: number | Readonly<Record<string, number>>;
  /** Whether there is more by now. */
  readonly more: boolean;
  /** Values that the filters looked for in masked form. */
  readonly masked: readonly Masked[];
  /** Where to go on; at the end only with the oldest first, for what may still be appended. */
  readonly cursor: string | undefined;
}

/** Fetches the pages of a query of one trail or several until `limit` records have come or there are no more. */
export async function* queryPages(
  http: SignedHttp,
  trails: readonly string[],
  query: NonNullable<HttpRequest['query']>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<LinePage> {
  let left = limit;
  let cursor = query.cursor;
  const [only = ''] = trails;
  const path = trails.length === 1 ? `/v1/trails/${only}/events` : '/v1/events';
  const which = trails.length === 1 ? {} : { trail: trails };
  for (;;) {
    const page = { ...query, ...which, format: 'ndjson', limit: Math.min(left, 1000), cursor };
    const answer = await http.send({ path, query: page, signal });
    const lines = answer
      .text()
      .split('\n')
      .filter((line) => line !== '');
    const more = answer.headers.get('x-more') === 'true';
    const next = answer.headers.get('x-next-cursor') ?? undefined;
    const [, archived = '0'] = /\barchive=(\d+)/.exec(answer.headers.get('x-sources') ?? '') ?? [];
    const asOf = sizesOf(answer.headers.get('x-as-of') ?? '');
    const masked = maskedIn(answer.headers.get('x-masked'));
    const scanned = Number(answer.headers.get('x-scanned') ?? 0);
    yield { lines, archived: Number(archived), scanned, asOf, more, masked, cursor: next };
    left -= lines.length;
    if (!more || left <= 0) return;
    if (next === undefined || next === cursor) throw new SealtrailError('unavailable', 'the server repeats a page');
    cursor = next;
  }
}

/** `5`, or `orders=5, payments=7`. */
function sizesOf(header: string): LinePage['asOf'] {
  if (!header.includes('=')) return Number(header);
  const sizes = header.split(', ').map((one) => one.split('='));
  return Object.fromEntries(sizes.map(([trail = '', size]) => [trail, Number(size)]));
}

export const maskedSchema: z.ZodType<Masked> = z.object({
  filter: z.enum(MASKED_FILTERS),
  asked: z.string(),
  as: z.string(),
  shared: z.string().exactOptional(),
} satisfies Shape<Masked>);

function maskedIn(header: string | null): readonly Masked[] {
  if (header === null) return [];
  const parsed = z.array(maskedSchema).safeParse(parseJson(header));
  if (parsed.success) return parsed.data;
  throw new SealtrailError('unavailable', 'the server answered with a header x-masked that is not readable');
}

/** What to know of a value that records hold in masked form. */
export function maskedSentence({ filter, asked, as, shared }: Masked): string {
  const said = `${printable(asked)} is masked: records name the ${filter} ${printable(as)}.`;
  if (shared === undefined) return said;
  return `${said} Those that name ${printable(shared)} may be of others whose addresses look alike.`;
}

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

/** What a table is about: events, or the actions of one agent, where who acted goes without saying. */
export type View = 'events' | 'actions';

/** How records are shown. */
export interface TableOptions {
  /** Columns of the terminal. @default those of the output */
  readonly width?: number;
  /** @default `events` */
  readonly view?: View;
  /** Whether each row says of which trail it is. @default where there are several */
  readonly namesTrails?: boolean;
}

/**
 * A table of records that come some at a time, however many: in constant memory, every row under its heading. Columns stay
 * where they are as long as they can; where they cannot, there is a heading again.
 */
export class GrowingTable {
  readonly #out: Output;
  readonly #options: TableOptions;
  #heading = '';
  /** Of the columns that there are, by their titles. */
  #widths: ReadonlyMap<string, number> = new Map();

  constructor(out: Output, options: TableOptions = {}) {
    this.#out = out;
    this.#options = options;
  }

  /** @returns what to print */
  add(records: readonly SealedRecord[]): readonly string[] {
    const { width = widthOf(this.#out) } = this.#options;
    // A column that says nothing takes no room.
    const columns = columnsFor(records, this.#out, this.#options).filter(
      ({ title, cell }) => this.#widths.has(title) || records.some((record) => cell(record) !== ''),
    );
    const rows = records.map((record) => columns.map(({ cell }) => cell(record)));
    const before = columns.map(({ title }) => this.#widths.get(title) ?? 0);
    const widths = columnWidths(columns, rows, width, before);
    const [heading = '', ...lines] = renderTable(
      columns,
      rows,
      width,
      (text) => painter(this.#out)('bold', text),
      widths,
    );
    const isSame = heading === this.#heading;
    this.#heading = heading;
    this.#widths = new Map(columns.map(({ title }, i) => [title, widths[i] ?? 0]));
    return isSame ? lines : [heading, ...lines];
  }
}

interface RecordColumn extends Column {
  readonly cell: (record: SealedRecord) => string;
  /** The width of the terminal from which on there is room for it. @default any */
  readonly from?: number;
}

/** The columns that there is room for, in terminals of 40 columns or more. */
function columnsFor(
  records: readonly SealedRecord[],
  out: Output,
  { width = widthOf(out), view = 'events', namesTrails }: TableOptions,
): readonly RecordColumn[] {
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
      title: width < from(NARROW) ? 'UTC' : 'received (UTC)',
      rigid: true,
      cell: ({ receivedAt }) => utc(receivedAt).slice(...time),
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

/** Lines from a server, read strictly. Errors: `malformed_record`. */
export function parseLines(lines: readonly string[]): SealedRecord[] {
  return lines.map(parseRecord);
}

/** `2026-11-21 04:31:09` of Unix milliseconds. */
export function utc(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');
}

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
