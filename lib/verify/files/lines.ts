import { linesOf } from '../../json/lines.ts';
import { SealtrailError } from '../../log/error.ts';

/**
 * Lines without their ends, of a file of which each line has one.
 *
 * @param maxBytes the longest line, so that memory is bounded
 * @param what names what a line is
 * @throws `proof_mismatch`
 */
export async function* wholeLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  what: string,
): AsyncGenerator<Uint8Array, void, void> {
  const mismatch = (message: string) => new SealtrailError('proof_mismatch', message);
  for await (const line of linesOf(chunks, maxBytes, () =>
    mismatch(`a line has more than the ${maxBytes} bytes of ${what}`),
  )) {
    if (line.at(-1) !== 0x0a) throw mismatch('the last line has no end');
    yield line.subarray(0, -1);
  }
}
