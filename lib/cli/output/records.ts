import { parseRecord, type SealedRecord } from '../../log/record.ts';
import { shownTime, UTC } from '../../question/zones.ts';
import { columnsFor, type TableOptions } from './record-columns.ts';
import { columnWidths, renderTable } from './table.ts';
import { type Output, painter, widthOf } from './terminal.ts';

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
    // A column that says nothing takes no room, unless it was chosen.
    const columns = columnsFor(records, this.#out, this.#options).filter(
      ({ title, cell }) => this.#options.columns || this.#widths.has(title) || records.some((one) => cell(one) !== ''),
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

/** Lines from a server, read strictly. Errors: `malformed_record`. */
export function parseLines(lines: readonly string[]): SealedRecord[] {
  return lines.map(parseRecord);
}

/** `2026-11-21 04:31:09` of Unix milliseconds. */
export function utc(milliseconds: number): string {
  return shownTime(UTC, milliseconds);
}
