import { SealtrailError } from '../../log/error.ts';
import { checkDownloadFolder, checkObjectKey, contentDisposition } from '../../store/object-key.ts';
import type { Downloads, DownloadWriter, LinkedFile } from '../../store/ports.ts';
import { Faults } from './faults.ts';

/** A call that can fail. */
export interface DownloadsCall {
  readonly operation: 'create' | 'write' | 'finish' | 'remove';
  readonly key: string;
}

/** The file behind a link. */
export interface FollowedLink extends Pick<LinkedFile, 'fileName' | 'mediaType'> {
  readonly bytes: Uint8Array;
}

/** Downloads in memory, for tests. */
export class MemoryDownloads implements Downloads {
  readonly faults = new Faults<DownloadsCall>(() => true);
  /** Finished files by key. */
  readonly files: Map<string, Uint8Array>;
  readonly #links: Map<string, LinkedFile & { readonly key: string; readonly until: number }>;
  readonly #now: () => number;

  /** @param now Unix milliseconds, by which links expire */
  constructor(now: () => number = Date.now, before?: MemoryDownloads) {
    this.#now = now;
    this.files = before?.files ?? new Map();
    this.#links = before === undefined ? new Map() : before.#links;
  }

  /** The next process on the same files: what was not finished is gone, and so are the faults. */
  restarted(): MemoryDownloads {
    return new MemoryDownloads(this.#now, this);
  }

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    const { faults } = this;
    const chunks: Uint8Array[] = [];
    return faults.run({ operation: 'create', key }, () => ({
      write: (bytes) => faults.run({ operation: 'write', key }, () => void chunks.push(bytes.slice())),
      finish: () => faults.run({ operation: 'finish', key }, () => this.#finish(key, chunks)),
      abandon: async () => undefined,
    }));
  }

  async link(key: string, file: LinkedFile): Promise<string> {
    checkObjectKey(key);
    contentDisposition(file.fileName);
    const link = `memory:${this.#links.size}/${key}`;
    this.#links.set(link, { ...file, key, until: this.#now() + file.seconds * 1000 });
    return link;
  }

  /** The file that a link leads to; undefined where it leads nowhere. */
  follow(link: string): FollowedLink | undefined {
    const { key = '', fileName = '', mediaType = '', until = 0 } = this.#links.get(link) ?? {};
    const bytes = this.files.get(key);
    return bytes === undefined || this.#now() >= until ? undefined : { fileName, mediaType, bytes: bytes.slice() };
  }

  async remove(prefix: string): Promise<void> {
    checkDownloadFolder(prefix);
    return this.faults.run({ operation: 'remove', key: prefix }, () => {
      for (const key of this.files.keys()) if (key.startsWith(prefix)) this.files.delete(key);
    });
  }

  #finish(key: string, chunks: readonly Uint8Array[]): void {
    if (this.files.has(key)) throw new SealtrailError('object_differs', `${key} already holds another file`);
    this.files.set(key, new Uint8Array(Buffer.concat(chunks)));
  }
}
