import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';

/** One event of the input: its original text, so that the server judges exactly what the producer wrote. */
export interface InputEvent {
  readonly json: string;
  /** For messages: `line 12` or `item 3` (both 1-based). */
  readonly where: string;
}

/** A part of the input that is passed over, and why. */
export interface Refusal {
  /** As {@link InputEvent.where}. */
  readonly where: string;
  readonly error: SealtrailError;
}

/** Called for each event that is passed over. */
export type OnRefusal = (refusal: Refusal) => void;

/** Consecutive events that travel in one request. */
export interface Batch {
  readonly events: readonly InputEvent[];
  /** UTF-8 bytes of the events, without the JSON around them. */
  readonly bytes: number;
}

/** Limits for cutting a stream of events into requests. */
export interface BatchLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Milliseconds after which an incomplete batch is sent, so that a live pipe is not held back. */
  readonly linger: number;
}

/** Far longer than any event; keeps a file without line feeds from filling memory. */
const MAX_VALUE_BYTES = 1_048_576;
/** One JSON document spread over lines may be as long as one request. */
const MAX_DOCUMENT_BYTES = 5_242_880;

/**
 * Reads events from NDJSON (a line each; empty lines are skipped), from one JSON array, or from one JSON object that
 * may span lines. Memory stays constant, however long the input; nothing is read ahead of the consumer.
 *
 * Errors: `invalid_json`, `invalid_event` and `record_too_large`, naming the line or item, as soon as it is reached: the
 * events before it have been yielded by then.
 *
 * @param onRefusal passes over bad lines, and items of an array that are no objects, instead of throwing. Every line is
 *   then taken for itself: one object must not span lines. An array that is no JSON still throws, since nothing says
 *   where its next item begins.
 */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array | string>,
  onRefusal?: OnRefusal,
): AsyncGenerator<InputEvent> {
  const source = new Source(chunks);
  const first = await source.firstByte();
  if (first === undefined) return;
  yield* first === OPEN_BRACKET ? readArray(source, onRefusal) : readLines(source, onRefusal);
}

const OPEN_BRACKET = 0x5b;
const WHITESPACE = new Set([0x09, 0x0a, 0x0d, 0x20]);

/** The input's bytes without a byte order mark, with a peek at the first one that is not white space. */
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

  /** The first byte that is not white space, if any. Consumes only the mark. */
  async firstByte(): Promise<number | undefined> {
    let start = Buffer.alloc(0);
    for (;;) {
      const marked = start.length >= 3 && start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf;
      if (marked) start = start.subarray(3);
      // A mark has three bytes.
      const found = start.length >= 3 ? start.find((byte) => !WHITESPACE.has(byte)) : undefined;
      const more = found === undefined ? await this.next() : undefined;
      if (more === undefined) {
        this.#ahead = start.length > 0 ? [start, ...this.#ahead] : this.#ahead;
        return found ?? start.find((byte) => !WHITESPACE.has(byte));
      }
      start = Buffer.concat([start, more]);
      if (start.length > MAX_DOCUMENT_BYTES)
        throw new SealtrailError('invalid_json', 'the input begins with white space without end');
    }
  }

  /** Consumes everything up to and including a byte that {@link firstByte} returned. */
  skipPast(byte: number): void {
    const [start = Buffer.alloc(0), ...rest] = this.#ahead;
    this.#ahead = [start.subarray(start.indexOf(byte) + 1), ...rest];
  }
}

/** A part of the input and the character that ended it; empty at the end of the input. */
interface Piece {
  /** For messages: `line 12`. */
  readonly where: string;
  readonly bytes: Buffer;
  readonly end: string;
}

/**
 * Cuts the input into pieces. The last one, which may be empty, ends with the input.
 *
 * @param endOf returns the end of the piece that begins at `from`, or -1 if the text does not contain it; a character of the
 *   text is a byte of the input
 * @param onRefusal called for a piece that is too long, which is passed over; without it, that is an error
 */
async function* cut(
  source: Source,
  unit: 'line' | 'item',
  endOf: (text: string, from: number) => number,
  onRefusal?: OnRefusal,
): AsyncGenerator<Piece> {
  let rest = '';
  /** True if the text is the rest of a piece that was too long. */
  let isSkipping = false;
  let number = 1;
  const piece = (bytes: string, end: string): Piece => ({
    where: `${unit} ${number++}`,
    bytes: Buffer.from(bytes, 'latin1'),
    end,
  });
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    const text = rest + chunk.toString('latin1');
    let from = 0;
    for (let end = endOf(text, from); end >= 0; end = endOf(text, from)) {
      const found = piece(text.slice(from, end), text.charAt(end));
      if (!isSkipping) yield found;
      isSkipping = false;
      from = end + 1;
    }
    rest = isSkipping ? '' : text.slice(from);
    if (rest.length <= MAX_VALUE_BYTES) continue;
    const where = `${unit} ${number}`;
    if (onRefusal === undefined) throw tooLong(where);
    onRefusal({ where, error: tooLong(where) });
    [rest, isSkipping] = ['', true];
  }
  if (!isSkipping) yield piece(rest, '');
}

const endOfLine = (text: string, from: number): number => text.indexOf('\n', from);

/** A string, possibly incomplete, or a structural character of JSON (RFC 8259 section 2). */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|[[\]{},]/gs;

/** The end of an array's item: the first comma or bracket outside of its strings, objects and arrays. */
function endOfItem(text: string, from: number): number {
  let depth = 0;
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token] = match;
    if (token === '[' || token === '{') depth += 1;
    else if (depth === 0 && (token === ',' || token === ']')) return match.index;
    else if (depth > 0 && (token === ']' || token === '}')) depth -= 1;
  }
  return -1;
}

async function* readLines(source: Source, onRefusal: OnRefusal | undefined): AsyncGenerator<InputEvent> {
  let isFirst = true;
  const lines = cut(source, 'line', endOfLine, onRefusal);
  for await (const { bytes, where } of lines) {
    if (onRefusal !== undefined) {
      const found = lineEvent(bytes, where, onRefusal);
      if (found !== undefined) yield found;
      continue;
    }
    const json = fromUtf8(bytes, 'invalid_json', where).trim();
    if (json === '') continue;
    if (isFirst && !isJson(json)) {
      yield await readDocument(bytes, lines, where);
      return;
    }
    isFirst = false;
    yield event(json, where);
  }
}

/** The event of a line, or undefined where it is empty or was passed over. */
function lineEvent(bytes: Uint8Array, where: string, onRefusal: OnRefusal): InputEvent | undefined {
  try {
    const json = fromUtf8(bytes, 'invalid_json', where).trim();
    return json === '' ? undefined : event(json, where);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    onRefusal({ where, error });
    return undefined;
  }
}

/** Reads one object over several lines, for a first line that did not parse; if that fails too, the first line is at fault. */
async function readDocument(start: Buffer, rest: AsyncIterable<Piece>, where: string): Promise<InputEvent> {
  const parts = [start];
  let length = start.length;
  for await (const { bytes } of rest) {
    length += bytes.length + 1;
    if (length > MAX_DOCUMENT_BYTES) break;
    parts.push(Buffer.from('\n'), bytes);
  }
  const whole = fromUtf8(Buffer.concat(parts), 'invalid_json', where).trim();
  if (length > MAX_DOCUMENT_BYTES || !isJson(whole)) {
    return event(fromUtf8(start, 'invalid_json', where).trim(), where);
  }
  return event(whole, 'the event');
}

/** Reads the items of one JSON array. They keep their original text, which the server judges. */
async function* readArray(source: Source, onRefusal: OnRefusal | undefined): AsyncGenerator<InputEvent> {
  source.skipPast(OPEN_BRACKET);
  let [isEmpty, isOver] = [true, false];
  for await (const { bytes, where, end } of cut(source, 'item', endOfItem)) {
    const json = fromUtf8(bytes, 'invalid_json', where).trim();
    if (isOver && (json !== '' || end !== '')) {
      throw new SealtrailError('invalid_json', 'there is more after the end of the array');
    }
    if (isOver) return;
    if (end === '') throw new SealtrailError('invalid_json', `${where}: the input ends before the array does`);
    isOver = end === ']';
    if (!(isEmpty && isOver && json === '')) {
      const found = itemEvent(json, where, onRefusal);
      if (found !== undefined) yield found;
    }
    isEmpty = false;
  }
}

/** The event of an item, or undefined where it is JSON, no event, and was passed over. */
function itemEvent(json: string, where: string, onRefusal: OnRefusal | undefined): InputEvent | undefined {
  try {
    return event(json, where);
  } catch (error) {
    if (onRefusal === undefined || !(error instanceof SealtrailError) || error.code !== 'invalid_event') throw error;
    onRefusal({ where, error });
    return undefined;
  }
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
 * Gathers events into batches of at most `maxEvents` events and `maxBytes` bytes (a longer event travels alone), in order.
 * Yields the events gathered so far before throwing an error of the input.
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

/** The outcome of a promise. */
export type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** Makes a promise that never rejects, so that it can wait while a batch is sent. */
export function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
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
