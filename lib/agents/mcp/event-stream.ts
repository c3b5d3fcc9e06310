import { SealtrailError } from '../../log/error.ts';

/** A blank line ends an event: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
const END = /\r\n\r\n|\n\n|\r\r/g;

/**
 * Cuts a stream of server-sent events into events, each with the blank line that ends it, byte for byte; the last piece may
 * have none.
 *
 * @param mostBytes of an event
 * @throws `record_too_large` for an event with more
 */
export async function* eventsOf(stream: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Buffer> {
  let held = '';
  for await (const chunk of stream) {
    // Each character is a byte, so that a character of several bytes may be cut in two. An end may be cut too.
    const searched = Math.max(0, held.length - 3);
    held += chunk.toString('latin1');
    let from = 0;
    END.lastIndex = searched;
    for (let end = END.exec(held); end !== null; end = END.exec(held)) {
      yield Buffer.from(held.slice(from, END.lastIndex), 'latin1');
      from = END.lastIndex;
    }
    held = held.slice(from);
    if (held.length > mostBytes)
      throw new SealtrailError('record_too_large', `an event has more than ${mostBytes} bytes`);
  }
  if (held !== '') yield Buffer.from(held, 'latin1');
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
