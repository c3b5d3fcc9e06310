import { checkObjectKey } from '../object-key.ts';
import type { Downloads, DownloadWriter } from '../ports.ts';

/** Downloads in memory, for tests. */
export class MemoryDownloads implements Downloads {
  /** Finished files by key. */
  readonly files = new Map<string, Uint8Array>();

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    const chunks: Uint8Array[] = [];
    return {
      write: async (bytes) => {
        chunks.push(bytes.slice());
      },
      finish: async () => {
        this.files.set(key, new Uint8Array(Buffer.concat(chunks)));
      },
      abandon: async () => undefined,
    };
  }

  async remove(prefix: string): Promise<void> {
    for (const key of this.files.keys()) if (key.startsWith(prefix)) this.files.delete(key);
  }
}
