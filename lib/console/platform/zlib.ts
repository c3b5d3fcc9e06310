/** `node:zlib` for browsers, as far as verification unpacks. */

/** RFC 1952 section 8. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

export function crc32(bytes: Uint8Array, before = 0): number {
  let sum = ~before;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** RFC 1952 section 2.3: what follows the deflated bytes of a member. */
const TRAILER_BYTES = 8;

/**
 * Unpacks the deflated bytes of a gzip member, which its trailer follows. Unlike Node's, a browser's does not say where the
 * deflated bytes end, so they must end right before the trailer: anything else fails.
 */
export function createInflateRaw(_options: { readonly chunkSize: number }) {
  let deflated = new Uint8Array(0);
  return {
    get bytesWritten(): number {
      return deflated.length;
    },
    end(body: Uint8Array): void {
      deflated = Uint8Array.from(body.subarray(0, Math.max(0, body.length - TRAILER_BYTES)));
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
      yield* unpacked(new Blob([deflated]).stream(), 'deflate-raw');
    },
    destroy(): void {},
  };
}

const GUNZIP = Symbol('gunzip');

export const createGunzip = (): typeof GUNZIP => GUNZIP;

/** `node:stream`'s, from chunks through {@link createGunzip}. */
export const pipeline = (
  chunks: AsyncIterable<Uint8Array>,
  _gunzip: typeof GUNZIP,
  _done: () => void,
): AsyncIterable<Uint8Array> => unpacked(streamOf(chunks), 'gzip');

async function* unpacked(
  packed: ReadableStream<Uint8Array>,
  format: 'gzip' | 'deflate-raw',
): AsyncGenerator<Buffer<ArrayBuffer>> {
  // The cast: the library's types do not know that a stream of bytes is one of buffer sources.
  const through = new DecompressionStream(format) as ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array>;
  const reader = packed.pipeThrough(through).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  } finally {
    // Ends the rest, where the reader has had enough. What failed has been thrown already.
    await reader.cancel().catch(() => undefined);
  }
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await source.return?.();
    },
  });
}
