import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { EXPORT_FORMATS, type ExportFormat } from '../../../lib/contract/exports.ts';
import { openEncoder } from '../../../lib/export/formats/encoders.ts';
import { OcsfChain } from '../../../lib/export/formats/ocsf-chain.ts';
import { COLUMNS } from '../../../lib/question/columns.ts';
import { CSV_HEADER, csvRow } from '../../../lib/question/csv.ts';

const lineOf = (seq: number, event: object = {}): string =>
  JSON.stringify({
    event: { id: `e-${seq}`, severity: 'info', type: 'data.read', ...event },
    prev: '0'.repeat(64),
    receivedAt: 1_790_000_000_000 + seq,
    seq,
    submitter: 'app',
    trail: 'orders',
    v: 1,
  });

/** Encodes lines in batches of the given sizes. */
async function encode(
  format: ExportFormat,
  lines: readonly string[],
  batches: readonly number[] = [],
): Promise<Uint8Array> {
  const encoder = await openEncoder(format, 'audit.example.com');
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const size of [...batches, lines.length]) {
    parts.push(encoder.add(lines.slice(at, at + size)));
    at += size;
  }
  return Buffer.concat([...parts, encoder.end()]);
}

const LINES = Array.from({ length: 7 }, (_, seq) => lineOf(seq, { description: `é ${seq}` }));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('an encoder', () => {
  it('of NDJSON gives every record line as it was sealed', async () => {
    expect(text(await encode('ndjson', LINES))).toBe(LINES.map((line) => `${line}\n`).join(''));
    expect(text(await encode('ndjson', []))).toBe('');
  });

  it('of JSON gives one array, with every record as it was sealed on a line of its own', async () => {
    const json = text(await encode('json', LINES));
    expect(JSON.parse(json)).toEqual(LINES.map((line) => JSON.parse(line)));
    expect(
      json
        .split('\n')
        .slice(1, -2)
        .map((line) => line.replace(/,$/, '')),
    ).toEqual(LINES);
    expect(JSON.parse(text(await encode('json', [])))).toEqual([]);
  });

  it('of CSV gives a header and a row for each record, and the header alone for none', async () => {
    expect(text(await encode('csv', LINES))).toBe(CSV_HEADER + LINES.map(csvRow).join(''));
    expect(text(await encode('csv', []))).toBe(CSV_HEADER);
  });

  it('of OCSF gives an event on each line', async () => {
    const chain = new OcsfChain('audit.example.com', 'audit.example.com');
    expect(text(await encode('ocsf', LINES))).toBe(LINES.map((line) => chain.line(line)).join(''));
  });

  it('gives the same bytes however the lines come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...EXPORT_FORMATS), fc.array(fc.nat({ max: 3 })), async (format, batches) => {
        expect(Buffer.compare(await encode(format, LINES, batches), await encode(format, LINES))).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it.each(['csv', 'ocsf', 'parquet'] as const)('of %s refuses a line that is no record', async (format) => {
    await expect(encode(format, ['{}'])).rejects.toThrow(expect.objectContaining({ code: 'malformed_record' }));
  });
});

describe('Parquet', () => {
  const read = async (lines: readonly string[]) => {
    const bytes = await encode('parquet', lines);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer; // of a Buffer
    return { file, rows: await parquetReadObjects({ file }) };
  };

  it('has a typed column for everything that CSV has', async () => {
    const { file } = await read(LINES);
    const { children } = parquetSchema(parquetMetadata(file));
    expect(children.map(({ element }) => element.name)).toEqual(COLUMNS.map(({ name }) => name));
    const typeOf = (name: string) => children.find(({ element }) => element.name === name)?.element;
    expect(typeOf('seq')).toMatchObject({ type: 'INT64', repetition_type: 'REQUIRED' });
    // An instant: without isAdjustedToUTC readers shift it by their own zone.
    expect(typeOf('receivedAt')).toMatchObject({
      converted_type: 'TIMESTAMP_MILLIS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      repetition_type: 'REQUIRED',
    });
    expect(typeOf('actorId')).toMatchObject({ converted_type: 'UTF8', repetition_type: 'OPTIONAL' });
    expect(typeOf('details')).toMatchObject({ converted_type: 'JSON' });
  });

  it('gives back what the records hold, and null for what they do not', async () => {
    const event = { actor: { id: '😀 "x"' }, details: { deep: [1, { a: null }] }, description: '=1+1' };
    const { rows } = await read([lineOf(3, event), lineOf(4)]);
    expect(rows).toMatchObject([
      {
        seq: 3n,
        receivedAt: new Date(1_790_000_000_003),
        actorId: '😀 "x"',
        details: { deep: [1, { a: null }] },
        description: '=1+1',
        tenant: null,
      },
      { seq: 4n, actorId: null, details: null },
    ]);
  });

  it('is whole for any texts, empty ones and long ones too', async () => {
    const texts = fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 50 }), { nil: undefined }), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(texts, async (descriptions) => {
        const { rows } = await read(descriptions.map((description, seq) => lineOf(seq, { description })));
        expect(rows.map((row) => row.description)).toEqual(descriptions.map((one) => one ?? null));
      }),
      { numRuns: 30 },
    );
  });

  it('is written a row group at a time, so that memory does not grow with the export', async () => {
    const encoder = await openEncoder('parquet', 'log');
    const parts: Uint8Array[] = [];
    const sizes: number[] = [];
    for (let batch = 0; batch < 25; batch++) {
      const part = encoder.add(Array.from({ length: 1000 }, (_, n) => lineOf(batch * 1000 + n)));
      sizes.push(part.length);
      parts.push(part);
    }
    expect(sizes.filter((size) => size > 1000)).toHaveLength(2);
    const bytes = Buffer.concat([...parts, encoder.end()]);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    expect(parquetMetadata(file).row_groups.map(({ num_rows }) => num_rows)).toEqual([10_000n, 10_000n, 5_000n]);
    const rows = await parquetReadObjects({ file, columns: ['seq'] });
    expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: 25_000 }, (_, n) => BigInt(n)));
  });

  it('holds long records in shorter row groups', async () => {
    const encoder = await openEncoder('parquet', 'log');
    const long = Array.from({ length: 400 }, (_, seq) => lineOf(seq, { description: 'x'.repeat(30_000) }));
    expect(encoder.add(long).length).toBeGreaterThan(0);
  });
});
