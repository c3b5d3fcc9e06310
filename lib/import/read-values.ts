import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { linesOf } from '../json/lines.ts';
import { readTolerantJson } from '../json/strict.ts';
import { SealtrailError } from '../log/error.ts';

/** A JSON value of a file. */
export interface FileValue {
  readonly value: unknown;
  /** For messages: `line 12`, or `the document`. */
  readonly where: string;
}

/** Bytes of a line, and of a document that spans lines. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024;

/**
 * The JSON values of a file: of each line (blank ones are skipped), or of one document that spans lines. A file in gzip is
 * unpacked. Numbers that a double does not keep become text of their digits.
 *
 * @throws `invalid_json` naming the line, `record_too_large`
 */
export async function* readValues(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<FileValue> {
  let number = 0;
  let document: Buffer[] | undefined;
  let bytes = 0;
  for await (const line of linesOf(unpacked(chunks), MAX_LINE_BYTES)) {
    number += 1;
    if (document === undefined && line.toString('latin1').trim() === '') continue;
    if (document === undefined) {
      const value = parsed(line);
      if (value !== undefined) {
        yield { value: value.value, where: `line ${number}` };
        continue;
      }
      // Only the beginning of a document may be no JSON by itself.
      if (number > 1 && !/^\s*[[{]\s*$/.test(line.toString('latin1'))) throw notJson(`line ${number}`);
      document = [];
    }
    document.push(Buffer.from(line));
    bytes += line.length;
    if (bytes > MAX_DOCUMENT_BYTES)
      throw new SealtrailError(
        'record_too_large',
        `a document has more than ${MAX_DOCUMENT_BYTES} bytes: cut it into lines`,
      );
  }
  if (document === undefined) return;
  const value = parsed(Buffer.concat(document));
  if (value === undefined) throw notJson('the document');
  yield { value: value.value, where: 'the document' };
}

const notJson = (where: string): SealtrailError => new SealtrailError('invalid_json', `${where} is not valid JSON`);

function parsed(bytes: Buffer): { readonly value: unknown } | undefined {
  const limits = { depth: 64, unitBytes: Number.POSITIVE_INFINITY };
  try {
    return { value: readTolerantJson(bytes, limits, { numbers: true, rest: true }).value };
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'invalid_json') return undefined;
    throw error;
  }
}

async function* unpacked(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  let ended = false;
  while (start.length < 2 && !ended) {
    const { value, done } = await iterator.next();
    ended = done === true;
    if (!ended) start = Buffer.concat([start, Buffer.from(value)]);
  }
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield start;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      yield Buffer.from(next.value);
  };
  if (!(start[0] === 0x1f && start[1] === 0x8b)) return yield* rest(); // RFC 1952 section 2.3.1
  const gunzip = createGunzip();
  pipeline(Readable.from(rest()), gunzip, () => undefined); // A failure comes out of the reading end.
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new SealtrailError('invalid_json', 'the file is not valid gzip', { cause });
  }
}
