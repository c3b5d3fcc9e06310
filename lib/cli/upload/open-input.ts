import { createReadStream, statSync } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { SealtrailError } from '../../log/error.ts';
import type { Terminal } from '../output/terminal.ts';

/** The input's chunks, counted as they pass. */
export class Chunks {
  readonly chunks: AsyncIterable<Uint8Array | string>;
  /** Bytes, where they are known beforehand. */
  readonly total: number | undefined;
  read = 0;

  constructor(source: AsyncIterable<Uint8Array | string>, total: number | undefined) {
    this.total = total;
    this.chunks = this.#counted(source);
  }

  async *#counted(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array | string> {
    for await (const chunk of source) {
      this.read += chunk.length;
      yield chunk;
    }
  }
}

/**
 * Opens a file of events, or standard input for `-`. It ends with an error when the user stops the command.
 *
 * @throws `usage` where the file cannot be read
 */
export function openInput({ stdin, stderr, signal }: Terminal, file: string): Chunks {
  if (file === '-') {
    if (stdin.isTTY === true) stderr.write('Type events, one JSON object a line; Ctrl-D ends.\n');
    return new Chunks(addAbortSignal(signal, stdin), undefined);
  }
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) {
    const why = stats === undefined ? 'there is no such file' : 'it is a folder';
    throw new SealtrailError('usage', `cannot read the events ${file}: ${why}`);
  }
  return new Chunks(addAbortSignal(signal, createReadStream(file)), stats.isFile() ? stats.size : undefined);
}
