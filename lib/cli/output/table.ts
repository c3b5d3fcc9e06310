import stringWidth from 'string-width';
import { unicodeEscape } from '../../base/escape.ts';

/** A column of a table: its heading and how it behaves when the terminal is narrow. */
export interface Column {
  readonly title: string;
  /** @default `left` */
  readonly align?: 'left' | 'right';
  /** A column that may not shrink: numbers, and names that are useless in part. @default false */
  readonly rigid?: boolean;
  /** Where a cell that is too long is cut: names that differ at their ends keep both. @default `end` */
  readonly cut?: 'middle' | 'end';
  /** Styles a cell's text once it has been cut and padded, so that colour never counts as width. */
  readonly style?: (padded: string, cell: string) => string;
}

/** The space between two columns. */
export const GAP = '  ';
const NARROWEST = 6;

/**
 * Lays out rows under headings, at most `width` terminal columns wide where that can be done by shortening cells
 * (with `…`) of columns that are not rigid, widest first. Cells are shown, not obeyed: control characters are made visible.
 *
 * @param width columns of the terminal; Infinity when the output is not a terminal, so that nothing is cut for programs
 * @param widths of the columns, as {@link columnWidths} gives them
 * @returns one string per line, without line ends
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  heading: (text: string) => string = (text) => text,
  widths: readonly number[] = columnWidths(columns, rows, width),
): string[] {
  const cells = rows.map((row) => columns.map((_, i) => printable(row[i] ?? '')));
  const line = (texts: readonly string[], finish: (padded: string, column: Column, text: string) => string): string =>
    columns
      .map((column, i) => finish(pad(texts[i] ?? '', widths[i] ?? 0, column), column, texts[i] ?? ''))
      .join(GAP)
      .trimEnd();
  return [
    heading(
      line(
        columns.map((column) => column.title),
        (padded) => padded,
      ),
    ),
    ...cells.map((row) => line(row, (padded, column, text) => column.style?.(padded, text) ?? padded)),
  ];
}

/**
 * How wide the columns of a table are that is at most `width` wide where that can be done.
 *
 * @param least how wide each should be at least, where there is room
 */
export function columnWidths(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  least: readonly number[] = [],
): readonly number[] {
  const wanted = columns.map(({ title }, i) =>
    rows.reduce(
      (widest, row) => Math.max(widest, stringWidth(printable(row[i] ?? ''))),
      Math.max(stringWidth(title), least[i] ?? 0),
    ),
  );
  return shrink(columns, wanted, width - GAP.length * (columns.length - 1));
}

/** Takes columns away from the widest cell that may give some, one by one, until the table fits or none can give. */
function shrink(columns: readonly Column[], wanted: readonly number[], available: number): readonly number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, one) => sum + one, 0) - available;
  while (excess > 0) {
    let widest = -1;
    for (const [i, column] of columns.entries()) {
      const size = widths[i] ?? 0;
      if (column.rigid !== true && size > NARROWEST && size > (widths[widest] ?? 0)) widest = i;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
  return widths;
}

function pad(text: string, width: number, { align, cut: where }: Column): string {
  const cut = where === 'middle' ? truncateMiddle(text, width) : truncate(text, width);
  const padding = ' '.repeat(Math.max(0, width - stringWidth(cut)));
  return align === 'right' ? padding + cut : cut + padding;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The text, or as much of it as leaves room for `…` in `width` terminal columns. */
export function truncate(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text, or its beginning and its end with `…` between them, in `width` terminal columns. */
function truncateMiddle(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  const tail: string[] = [];
  let used = 0;
  for (const segment of parts.toReversed()) {
    used += stringWidth(segment);
    if (used > Math.floor((width - 1) / 2)) break;
    tail.unshift(segment);
  }
  const end = tail.join('');
  return truncate(text, width - stringWidth(end)) + end;
}

/** Breaks a text into lines of at most `width` columns, at spaces; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && stringWidth(last) + 1 + stringWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * Text that a terminal shows and does not obey: what producers wrote may hold escape sequences, line breaks, and
 * characters that turn the reading direction around (CVE-2021-42574). Each becomes its `\u` escape.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) =>
    // A zero-width joiner holds emoji together and is harmless.
    c === '\u200d' ? c : unicodeEscape(c),
  );
}
