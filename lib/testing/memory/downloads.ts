import { checkObjectKey } from '../../store/object-key.ts';
import type { Downloads, DownloadWriter } from '../../store/ports.ts';
import { Faults } from './faults.ts';

/** A call that can fail. */
export interface DownloadsCall {
  readonly operation: 'create' | 'write' | 'finish' | 'remove';
  readonly key: string;
}

/** Downloads in memory, for tests. */
export class MemoryDownloads implements Downloads {
  readonly faults = new Faults<DownloadsCall>(() => true);
  /** Finished files by key. */
  readonly files = new Map<string, Uint8Array>();

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    const chunks: Uint8Array[] = [];
    const { faults, files } = this;
    return faults.run({ operation: 'create', key }, () => ({
      write: (bytes) => faults.run({ operation: 'write', key }, () => void chunks.push(bytes.slice())),
      finish: () =>
        faults.run({ operation: 'finish', key }, () => void files.set(key, new Uint8Array(Buffer.concat(chunks)))),
      abandon: async () => undefined,
    }));
  }

  async remove(prefix: string): Promise<void> {
    return this.faults.run({ operation: 'remove', key: prefix }, () => {
      for (const key of this.files.keys()) if (key.startsWith(prefix)) this.files.delete(key);
    });
  }
}
