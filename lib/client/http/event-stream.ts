import { SealtrailError } from '../../log/error.ts';

/** A blank line ends an event: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
const END = /\r\n\r\n|\n\n|\r\r/g;

/** Cuts a stream of server-sent events into events, each with the blank line that ends it, byte for byte. */
export class EventCutter {
  readonly #mostBytes: number;
  /** Each character is a byte, so that a character of several bytes may be cut in two. */
  #held = '';

  /** @param mostBytes of an event */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @returns the events that end in this chunk @throws `record_too_large` for an event with more bytes */
  push(chunk: Uint8Array): Buffer[] {
    const searched = Math.max(0, this.#held.length - 3); // an end may be cut in two as well
    const text = this.#held + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const events: Buffer[] = [];
    let from = 0;
    END.lastIndex = searched;
    for (let end = END.exec(text); end !== null; end = END.exec(text)) {
      events.push(Buffer.from(text.slice(from, END.lastIndex), 'latin1'));
      from = END.lastIndex;
    }
    this.#held = text.slice(from);
    if (this.#held.length > this.#mostBytes) {
      throw new SealtrailError('record_too_large', `an event has more than ${this.#mostBytes} bytes`);
    }
    return events;
  }

  /** The rest when the stream has ended: an event without its blank line, or nothing. */
  rest(): Buffer {
    return Buffer.from(this.#held, 'latin1');
  }
}

/**
 * The events of a stream, as an {@link EventCutter} cuts them; the last piece may have no blank line.
 *
 * @throws `record_too_large` for an event with more bytes
 */
export async function* eventsOf(stream: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Buffer> {
  const cutter = new EventCutter(mostBytes);
  for await (const chunk of stream) yield* cutter.push(chunk);
  const rest = cutter.rest();
  if (rest.length > 0) yield rest;
}

/** The data of an event: its lines `data:` joined by line feeds; empty where it has none. */
export function dataOf(event: Buffer): Buffer {
  const data: string[] = [];
  for (const line of event.toString('utf8').split(/\r\n|\n|\r/)) {
    if (line === 'data') data.push('');
    else if (line.startsWith('data:')) data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
  }
  return Buffer.from(data.join('\n'));
}
