import { SealtrailError } from '../log/error.ts';

const LINE_FEED = 0x0a;

/**
 * Cuts a stream into lines, each with its line feed, byte for byte; the last one may have none.
 *
 * @param mostBytes of a line; longer ones end the stream
 * @param tooLong makes the error about a line with more; by default `record_too_large`
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array | string>,
  mostBytes: number,
  tooLong = () => new SealtrailError('record_too_large', `a message has more than ${mostBytes} bytes`),
): AsyncGenerator<Buffer, void, void> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const piece of stream) {
    const chunk =
      typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      const rest = chunk.subarray(from, end + 1);
      yield parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
      [parts, held, from] = [[], 0, end + 1];
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > mostBytes) throw tooLong();
  }
  if (held > 0) yield Buffer.concat(parts);
}
