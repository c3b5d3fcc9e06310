import { Option } from 'commander';
import { DIMENSIONS } from '../../contract/dimensions.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import { CSV_HEADER, csvLine, csvRow } from '../../question/csv.ts';
import { timeOf } from '../../question/fields.ts';
import { chosenColumn } from '../output/record-columns.ts';
import { optionOf } from './filters.ts';

/** The option for chosen columns. */
export function columnsOption(): Option {
  const help = 'columns, such as record,received,happened,actor,details.amount: of a table or CSV';
  return new Option('--columns <names>', help).argParser((text) => {
    const names = fieldNames(text);
    try {
      for (const name of names) chosenColumn(name);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      throw new SealtrailError(
        'usage',
        `--columns takes record, trail, received, happened, and ${error.message.replace(/^takes /, '')}`,
      );
    }
    return names;
  });
}

/** Fields separated by commas; one that is an option, such as `user-agent`, may be written as that. */
export function fieldNames(text: string): readonly string[] {
  return text.split(',').map((given) => {
    const name = given.trim();
    return DIMENSIONS.find((dimension) => optionOf(dimension) === name) ?? name;
  });
}

/** @throws `usage` where a format has no columns to choose */
export function assertColumned(format: string, columns: readonly string[] | undefined): void {
  if (columns === undefined || format === 'table' || format === 'csv') return;
  throw new SealtrailError('usage', `--columns is for tables and CSV: ${format} shows whole records`);
}

/** How records become CSV: with the columns of an export, or with those that were chosen, times as RFC 3339 either way. */
export function recordCsv(names: readonly string[] | undefined): {
  readonly header: string;
  readonly row: (line: string) => string;
} {
  if (names === undefined) return { header: CSV_HEADER, row: csvRow };
  const cells = names.map((name) =>
    name === 'received' || name === 'happened' ? timeCell(name) : chosenColumn(name).cell,
  );
  return {
    header: csvLine(names),
    row: (line) => {
      const record = parseRecord(line);
      return csvLine(cells.map((cell) => cell(record)));
    },
  };
}

const timeCell =
  (clock: 'received' | 'happened') =>
  (record: SealedRecord): string => {
    const time = timeOf(record, clock);
    return time === undefined ? '' : new Date(time).toISOString();
  };
