import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { QueryOrder } from '../../contract/query.ts';
import type { KeptEvent } from '../event/sink.ts';

const LINE_FEED = 0x0a;
/** Bytes read at a time, backwards. */
const CHUNK = 65_536;

/** A file as it was when it was asked: what is appended meanwhile is not of the answer. */
interface Snapshot {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

/**
 * The lines of a folder's files, numbered through from the first of the first file, in constant memory.
 *
 * @param names of the files, in the order in which they were written
 */
export async function* keptLines(
  dir: string,
  names: readonly string[],
  order: QueryOrder,
): AsyncGenerator<KeptEvent, void, void> {
  const files: Snapshot[] = [];
  for (const name of names) {
    const path = join(dir, name);
    const { size: bytes } = await stat(path);
    if (bytes > 0) files.push({ name, path, bytes });
  }
  if (order === 'oldest') {
    let seq = 0;
    for (const file of files) {
      let line = 0;
      for await (const json of lines(file)) yield { json, seq: seq++, place: placeOf(file, ++line) };
    }
    return;
  }
  const counted: { readonly file: Snapshot; readonly count: number }[] = [];
  for (const file of files) counted.push({ file, count: await countLines(file) });
  let seq = counted.reduce((sum, { count }) => sum + count, 0);
  for (const { file, count } of counted.reverse()) {
    let line = count;
    for await (const json of linesBackwards(file)) yield { json, seq: --seq, place: placeOf(file, line--) };
  }
}

const placeOf = ({ name }: Snapshot, line: number): string => `line ${line} of ${name}`;

const lines = (file: Snapshot): AsyncIterable<string> =>
  createInterface({ input: bytesOf(file), crlfDelay: Number.POSITIVE_INFINITY });

const bytesOf = ({ path, bytes }: Snapshot) => createReadStream(path, { end: bytes - 1 });

/** Counts lines. Text after the last line feed is one too. */
async function countLines(file: Snapshot): Promise<number> {
  let count = 0;
  let last = LINE_FEED;
  for await (const chunk of bytesOf(file)) {
    const bytes: Buffer = chunk;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1;
    last = bytes.at(-1) ?? last;
  }
  return last === LINE_FEED ? count : count + 1;
}

async function* linesBackwards({ path, bytes }: Snapshot): AsyncGenerator<string, void, void> {
  const handle = await open(path);
  try {
    // Of the line that is being put together, the last part first.
    let held: Buffer[] = [];
    let end = (await read(handle, bytes - 1, bytes))[0] === LINE_FEED ? bytes - 1 : bytes;
    while (end > 0) {
      const start = Math.max(0, end - CHUNK);
      const chunk = await read(handle, start, end);
      let to = chunk.length;
      for (let at = chunk.lastIndexOf(LINE_FEED); at >= 0; ) {
        yield textOf([...held, chunk.subarray(at + 1, to)]);
        held = [];
        to = at;
        at = at === 0 ? -1 : chunk.lastIndexOf(LINE_FEED, at - 1);
      }
      held.push(chunk.subarray(0, to));
      end = start;
    }
    yield textOf(held);
  } finally {
    await handle.close();
  }
}

/** Buffers are put together before they are decoded: a character may be in two of them. */
const textOf = (parts: readonly Buffer[]): string =>
  Buffer.concat([...parts].reverse())
    .toString()
    .replace(/\r$/, '');

async function read(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
  return buffer.subarray(0, bytesRead);
}
