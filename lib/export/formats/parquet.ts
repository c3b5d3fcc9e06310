import type { DecodedArray, SchemaElement } from 'hyparquet';
import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { parseRecord } from '../../log/record.ts';
import { COLUMNS, type Column, type ColumnType, valueIn } from '../../question/columns.ts';
import type { Encoder } from './encoder.ts';

/** Rows of a row group, at most: what is in memory before it is written. */
const GROUP_ROWS = 10_000;
/** Characters of record lines in a row group, about: long records make shorter groups. */
const GROUP_CHARACTERS = 8_000_000;

/** Parquet's types; JSON is annotated as such. */
const TYPES: Readonly<Record<Exclude<ColumnType, 'time'>, BasicType>> = {
  text: 'STRING',
  count: 'INT64',
  json: 'JSON',
};

/** Every record has these; the other columns may be null. */
const REQUIRED = new Set(['seq', 'receivedAt', 'submitter']);

/**
 * A time is an instant in UTC. Without `isAdjustedToUTC` it is a local time to readers, which shift it by their own zone
 * (Parquet, LogicalTypes.md, "TIMESTAMP"); the converted type is for readers that know no logical types.
 */
function timeElement(name: string): SchemaElement {
  return {
    name,
    type: 'INT64',
    repetition_type: REQUIRED.has(name) ? 'REQUIRED' : 'OPTIONAL',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  };
}

const SCHEMA = schemaFromColumnData({
  columnData: COLUMNS.map(({ name, type }) =>
    type === 'time' ? { name, data: [] } : { name, type: TYPES[type], nullable: !REQUIRED.has(name), data: [] },
  ),
  schemaOverrides: Object.fromEntries(
    COLUMNS.filter(({ type }) => type === 'time').map(({ name }) => [name, timeElement(name)]),
  ),
});

/** Columns as in CSV, typed, in row groups of bounded size, compressed with Snappy. */
export class ParquetEncoder implements Encoder {
  readonly #bytes = new ByteWriter();
  readonly #writer = new ParquetWriter({ writer: this.#bytes, schema: SCHEMA, createdBy: 'sealtrail' });
  #columns: unknown[][] = COLUMNS.map(() => []);
  #rows = 0;
  #characters = 0;

  add(lines: readonly string[]): Uint8Array {
    for (const line of lines) {
      const record = parseRecord(line);
      for (const [at, column] of COLUMNS.entries()) this.#columns[at]?.push(cellOf(column, valueIn(record, column)));
      this.#rows += 1;
      this.#characters += line.length;
      if (this.#rows >= GROUP_ROWS || this.#characters >= GROUP_CHARACTERS) this.#writeGroup();
    }
    return this.#taken();
  }

  end(): Uint8Array {
    if (this.#rows > 0) this.#writeGroup();
    this.#writer.finish();
    return this.#taken();
  }

  #writeGroup(): void {
    const columnData = COLUMNS.map(({ name }, at) => {
      const data: DecodedArray = this.#columns[at] ?? [];
      return { name, data };
    });
    this.#writer.write({ columnData, rowGroupSize: GROUP_ROWS });
    this.#columns = COLUMNS.map(() => []);
    this.#rows = 0;
    this.#characters = 0;
  }

  /** The bytes written since the last time; offsets in the file go on. */
  #taken(): Uint8Array {
    const bytes = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    return bytes;
  }
}

function cellOf({ type }: Column, value: unknown): unknown {
  if (value === undefined) return null;
  switch (type) {
    case 'count':
      return typeof value === 'number' ? BigInt(value) : null;
    case 'time':
      return new Date(Number(value));
    case 'json':
      return value;
    case 'text':
      // A later version may have sealed something else there: it is told as JSON, and not left out.
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}
