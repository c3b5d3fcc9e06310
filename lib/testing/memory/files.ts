import { checkByteRange, checkDownloadFolder, checkObjectKey } from '../../store/object-key.ts';
import type { DownloadWriter, Files, ObjectEntry } from '../../store/ports.ts';
import { lowerBound } from './byte-order.ts';
import { Faults } from './faults.ts';

/** A call of {@link MemoryFiles}. */
export interface FilesCall {
  readonly operation: 'create' | 'write' | 'finish' | 'read' | 'remove';
  readonly key: string;
}

/** Files in memory, for tests. */
export class MemoryFiles implements Files {
  readonly faults = new Faults<FilesCall>(({ operation }) => operation !== 'read');
  /** Finished files by key. */
  readonly files: Map<string, Uint8Array>;

  constructor(files: Map<string, Uint8Array> = new Map()) {
    this.files = files;
  }

  /** The next process on the same files: what was not finished is gone, and so are the faults. */
  restarted(): MemoryFiles {
    return new MemoryFiles(this.files);
  }

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    const { faults } = this;
    const chunks: Uint8Array[] = [];
    let isOpen = true;
    return faults.run({ operation: 'create', key }, () => ({
      write: (bytes) => faults.run({ operation: 'write', key }, () => void chunks.push(bytes.slice())),
      finish: () =>
        faults.run({ operation: 'finish', key }, () => {
          if (isOpen) this.files.set(key, new Uint8Array(Buffer.concat(chunks)));
          isOpen = false;
        }),
      abandon: async () => {
        isOpen = false;
      },
    }));
  }

  async read(key: string, from: number, length: number): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    checkByteRange(from, length);
    return this.faults.run({ operation: 'read', key }, () => this.files.get(key)?.slice(from, from + length));
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    checkDownloadFolder(prefix);
    const keys: string[] = [];
    for (const key of this.files.keys()) if (key.startsWith(prefix)) keys.splice(lowerBound(keys, key), 0, key);
    for (const key of keys) yield { key, size: this.files.get(key)?.length ?? 0 };
  }

  async remove(key: string): Promise<void> {
    checkObjectKey(key);
    return this.faults.run({ operation: 'remove', key }, () => void this.files.delete(key));
  }
}
