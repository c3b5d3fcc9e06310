import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';

/** One event as it was read: its own bytes as text, so that the server judges what the producer wrote. */
export interface InputEvent {
  readonly json: string;
  /** For messages: `line 12` or `item 3` (both 1-based). */
  readonly where: string;
}

/** Consecutive events that travel in one request. */
export interface Batch {
  readonly events: readonly InputEvent[];
  /** UTF-8 bytes of the events, without what goes around them. */
  readonly bytes: number;
}

/** How to cut a stream of events into requests. */
export interface BatchLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Milliseconds after which a batch is sent though it is not full, so that a live pipe is not held back. */
  readonly linger: number;
}

/** No event is anywhere near this long; it keeps a file without line ends from filling memory. */
const LONGEST_VALUE = 1_048_576;
/** One JSON document spread over lines may be this long: as much as one request. */
const LONGEST_DOCUMENT = 5_242_880;

/**
 * Reads events from NDJSON (a line each; empty lines are skipped), from one JSON array, or from one JSON object that
 * may span lines. Constant memory, whatever the length of the input; nothing is read ahead of the consumer.
 *
 * Errors: `invalid_json` and `invalid_event`, naming the line or item, as soon as it is reached: the events before it
 * have been yielded by then.
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<InputEvent> {
  const source = new Source(chunks);
  const first = await source.firstByte();
  if (first === undefined) return;
  yield* first === OPEN_BRACKET ? readArray(source) : readLines(source);
}

const [NEWLINE, QUOTE, COMMA, OPEN_BRACKET, BACKSLASH, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [
  0x0a, 0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
];
const WHITESPACE = new Set([0x09, 0x0a, 0x0d, 0x20]);

/** The input's bytes with a byte order mark taken off, and a look at the first that matters. */
class Source {
  readonly #iterator: AsyncIterator<Uint8Array | string>;
  #ahead: Buffer[] = [];

  constructor(chunks: AsyncIterable<Uint8Array | string>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  async next(): Promise<Buffer | undefined> {
    const ahead = this.#ahead.shift();
    if (ahead !== undefined) return ahead;
    const result = await this.#iterator.next();
    return result.done === true ? undefined : Buffer.from(result.value);
  }

  /** The first byte that is not white space, or undefined where there is none. Nothing is consumed but the mark. */
  async firstByte(): Promise<number | undefined> {
    let start = Buffer.alloc(0);
    for (;;) {
      const marked = start.length >= 3 && start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf;
      if (marked) start = start.subarray(3);
      // Three bytes are needed to see a mark.
      const found = start.length >= 3 ? start.find((byte) => !WHITESPACE.has(byte)) : undefined;
      const more = found === undefined ? await this.next() : undefined;
      if (more === undefined) {
        this.#ahead = start.length > 0 ? [start, ...this.#ahead] : this.#ahead;
        return found ?? start.find((byte) => !WHITESPACE.has(byte));
      }
      start = Buffer.concat([start, more]);
      if (start.length > LONGEST_DOCUMENT)
        throw new SealtrailError('invalid_json', 'the input begins with white space without end');
    }
  }

  return(): Promise<unknown> {
    return this.#iterator.return?.() ?? Promise.resolve();
  }
}

async function* readLines(source: Source): AsyncGenerator<InputEvent> {
  let number = 0;
  let first = true;
  const lines = splitLines(source);
  for await (const bytes of lines) {
    number++;
    const where = `line ${number}`;
    const json = fromUtf8(bytes, 'invalid_json', where).trim();
    if (json === '') continue;
    if (first && !isJson(json)) {
      yield await readDocument(bytes, lines, number);
      return;
    }
    first = false;
    yield event(json, where);
  }
}

/** What did not parse as a line may be one object over several lines; if it is not, the first line is what is wrong. */
async function readDocument(start: Buffer, rest: AsyncIterable<Buffer>, line: number): Promise<InputEvent> {
  const parts = [start];
  let length = start.length;
  for await (const part of rest) {
    length += part.length + 1;
    if (length > LONGEST_DOCUMENT) break;
    parts.push(Buffer.from('\n'), part);
  }
  const whole = fromUtf8(Buffer.concat(parts), 'invalid_json', `line ${line}`).trim();
  if (length > LONGEST_DOCUMENT || !isJson(whole))
    return event(fromUtf8(start, 'invalid_json', `line ${line}`).trim(), `line ${line}`);
  return event(whole, 'the event');
}

async function* splitLines(source: Source): AsyncGenerator<Buffer> {
  let kept: Buffer[] = [];
  let length = 0;
  let number = 1;
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...kept, chunk.subarray(from, end)]);
      kept = [];
      length = 0;
      from = end + 1;
      number++;
    }
    kept.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LONGEST_VALUE) throw tooLong(`line ${number}`);
  }
  if (length > 0) yield Buffer.concat(kept);
}

/** Cuts one JSON array into its items by counting brackets outside strings; each item is then parsed for itself. */
async function* readArray(source: Source): AsyncGenerator<InputEvent> {
  let state: 'before' | 'item' | 'after' = 'before';
  let [depth, inString, escaped, number] = [0, false, false, 1];
  let item: number[] = [];
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    for (const byte of chunk) {
      if (state === 'before') {
        if (byte === OPEN_BRACKET) state = 'item';
        continue;
      }
      if (state === 'after') {
        if (!WHITESPACE.has(byte)) throw new SealtrailError('invalid_json', 'there is more after the end of the array');
        continue;
      }
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth++;
      else if (depth > 0 && (byte === CLOSE_BRACKET || byte === CLOSE_BRACE)) depth--;
      else if (depth === 0 && (byte === COMMA || byte === CLOSE_BRACKET)) {
        const json = fromUtf8(Buffer.from(item), 'invalid_json', `item ${number}`).trim();
        const empty = byte === CLOSE_BRACKET && number === 1 && json === '';
        if (!empty) yield event(json, `item ${number}`);
        if (byte === CLOSE_BRACKET) state = 'after';
        number++;
        item = [];
        continue;
      }
      item.push(byte);
      if (item.length > LONGEST_VALUE) throw tooLong(`item ${number}`);
    }
  }
  if (state !== 'after')
    throw new SealtrailError('invalid_json', `item ${number}: the input ends before the array does`);
}

function event(json: string, where: string): InputEvent {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SealtrailError('invalid_json', `${where} is not JSON: ${reason}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SealtrailError('invalid_event', `${where} is not an event: expected a JSON object`);
  }
  return { json, where };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function tooLong(where: string): SealtrailError {
  return new SealtrailError('record_too_large', `${where} is longer than 1 MB; an event holds at most 32 KB`);
}

/**
 * Gathers events into batches of at most `maxEvents` events and `maxBytes` bytes (a single longer event travels alone),
 * in the order they came. What has gathered is yielded before an error of the input is thrown.
 */
export async function* gather(events: AsyncIterable<InputEvent>, limits: BatchLimits): AsyncGenerator<Batch> {
  const iterator = events[Symbol.asyncIterator]();
  let gathered: InputEvent[] = [];
  let bytes = 0;
  const flush = (): Batch => {
    const batch = { events: gathered, bytes };
    gathered = [];
    bytes = 0;
    return batch;
  };
  try {
    let next = settle(iterator.next());
    for (;;) {
      const result = gathered.length === 0 ? await next : await withinLinger(next, limits.linger);
      if (result === 'late') {
        yield flush();
        continue;
      }
      if ('error' in result) {
        if (gathered.length > 0) yield flush();
        throw result.error;
      }
      if (result.value.done === true) break;
      next = settle(iterator.next());
      const one = result.value.value;
      const size = Buffer.byteLength(one.json);
      if (gathered.length > 0 && bytes + size > limits.maxBytes) yield flush();
      gathered.push(one);
      bytes += size + 1;
      if (gathered.length >= limits.maxEvents) yield flush();
    }
    if (gathered.length > 0) yield flush();
  } finally {
    await iterator.return?.();
  }
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** A promise that never rejects, so that it can be left waiting while a batch is sent. */
function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

async function withinLinger<T>(next: Promise<Settled<T>>, linger: number): Promise<Settled<T> | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, linger, 'late');
  });
  try {
    return await Promise.race([next, late]);
  } finally {
    clearTimeout(timer);
  }
}
