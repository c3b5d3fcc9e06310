import { createRequire } from 'node:module';

/** `node:zlib` as it is, whatever stands in for it. */
const zlib: typeof import('node:zlib') = createRequire(import.meta.url)('node:zlib');
type Done = (error: Error | null, packed?: Buffer) => void;

/**
 * Takes the place of `node:zlib` in tests: the thread pool takes real time, of which virtual time knows nothing, so on a busy
 * machine the clock would run ahead of it.
 */
export const zlibAtOnce = {
  ...zlib,
  zstdCompress: (raw: Buffer, options: import('node:zlib').ZstdOptions, done: Done): void =>
    done(null, zlib.zstdCompressSync(raw, options)),
  zstdDecompress: (packed: Buffer, options: import('node:zlib').ZstdOptions, done: Done): void =>
    done(null, zlib.zstdDecompressSync(packed, options)),
};
