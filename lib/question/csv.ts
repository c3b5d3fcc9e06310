import { parseRecord } from '../log/record.ts';
import { COLUMNS, valueIn } from './columns.ts';

/** The header row. RFC 4180: rows end in CRLF. */
export const CSV_HEADER = `${COLUMNS.map(({ name }) => name).join(',')}\r\n`;

/**
 * A record as a row: RFC 4180, times as RFC 3339, objects as JSON. A text that a spreadsheet would run as a formula gets
 * an apostrophe in front (OWASP, "CSV Injection").
 *
 * @param line a record line
 * @throws `malformed_record`
 */
export function csvRow(line: string): string {
  const record = parseRecord(line);
  let row = '';
  for (const column of COLUMNS) {
    const value = valueIn(record, column);
    if (row !== '') row += ',';
    if (value !== undefined) row += cell(column.type === 'time' ? new Date(Number(value)).toISOString() : value);
  }
  return `${row}\r\n`;
}

/**
 * The signs that a formula begins with and their full-width forms, which spreadsheets fold, also behind what they trim away
 * or do not show.
 */
const RUNS = /^(?:[\t\r\n]|[\p{White_Space}\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20])/u;
/** The characters that RFC 4180 quotes, and those that some readers take for the end of a row unless quoted. */
const NEEDS_QUOTES = /[",\p{Cc}\u2028\u2029]|^\s|\s$/u;

/** Values as a row, escaped as {@link csvRow} does it. */
export const csvLine = (values: readonly (string | number)[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const harmless = RUNS.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
