import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, realpath, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { syncFolder } from '../durable-file.ts';
import { checkDownloadFolder, checkObjectKey } from '../object-key.ts';
import type { Downloads, DownloadWriter, LinkedFile } from '../ports.ts';
import { systemCode } from '../system-error.ts';
import { DownloadTokens } from './download-tokens.ts';
import { attempt } from './failure.ts';
import { FileWriter } from './file-writer.ts';
import { DurableFolders, linkError, makeFolder } from './folders.ts';
import { UNFINISHED } from './holding.ts';
import { checkNoLink, statsOf } from './reading.ts';

/** Only the owner reads the files; everyone else downloads them from the server. */
const OWNER_ONLY = 0o600;
/** Bytes read at a time. */
const READ_BYTES = 262_144;

export interface FolderDownloadsOptions {
  /** Signs the links: at least 16 bytes, kept across restarts. */
  readonly secret: Uint8Array;
  /** The path under which the server answers links, such as `/v1/downloads/`. */
  readonly path: string;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** A finished file behind a link. */
export interface OpenDownload extends Pick<LinkedFile, 'fileName' | 'mediaType'> {
  readonly bytes: number;
  /** The file's bytes. It is open only from the first chunk to the last. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
}

/**
 * Downloads as files in a folder, used by one process at a time. Links are paths on its server, with a signed token.
 *
 * @example
 * const downloads = await FolderDownloads.open('data/exports', { secret, path: '/v1/downloads/' });
 */
export class FolderDownloads implements Downloads {
  readonly #root: string;
  readonly #folders: DurableFolders;
  readonly #path: string;
  readonly #tokens: DownloadTokens;

  private constructor(root: string, { secret, path, now = Date.now }: FolderDownloadsOptions) {
    this.#root = root;
    this.#folders = new DurableFolders(root);
    this.#path = path;
    this.#tokens = new DownloadTokens(secret, now);
  }

  /**
   * Opens a folder, creating it if necessary, and removes files that a crash left unfinished.
   *
   * @throws `unavailable`, `store_full`
   */
  static async open(dir: string, options: FolderDownloadsOptions): Promise<FolderDownloads> {
    const path = resolve(dir);
    return attempt(path, async () => {
      await makeFolder(path);
      const root = await realpath(path);
      await rm(join(root, UNFINISHED), { recursive: true, force: true });
      return new FolderDownloads(root, options);
    });
  }

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    const unfinished = join(this.#root, UNFINISHED, randomUUID());
    return attempt(unfinished, async () => {
      await this.#folders.ensure(dirname(unfinished));
      const handle = await open(unfinished, 'wx', OWNER_ONLY);
      return new FileWriter(handle, unfinished, () => this.#publish(key, unfinished));
    });
  }

  async link(key: string, file: LinkedFile): Promise<string> {
    return this.#path + this.#tokens.make(key, file);
  }

  /**
   * Opens the file behind a link.
   *
   * @throws `forbidden` if the link is not from here or has expired, `not_found` if the file does not exist (any more),
   *   `store_corrupt` for a symbolic link, `unavailable`
   */
  async follow(link: string): Promise<OpenDownload> {
    const { key, fileName, mediaType } = this.#tokens.read(link.slice(this.#path.length));
    const path = join(this.#root, key);
    return attempt(path, async () => {
      checkNoLink(this.#root, key);
      const stats = statsOf(path);
      if (stats?.isSymbolicLink()) throw linkError(path);
      if (!stats?.isFile()) throw new SealtrailError('not_found', 'the file behind this link is gone');
      return { fileName, mediaType, bytes: stats.size, chunks: () => chunksOf(path) };
    });
  }

  async remove(prefix: string): Promise<void> {
    checkDownloadFolder(prefix);
    const path = join(this.#root, prefix);
    await attempt(path, async () => {
      checkNoLink(this.#root, prefix);
      await rm(path, { recursive: true, force: true });
      this.#folders.forget(path.slice(0, -1));
    });
  }

  async #publish(key: string, unfinished: string): Promise<void> {
    const path = join(this.#root, key);
    checkNoLink(this.#root, key);
    await this.#folders.ensure(dirname(path));
    // Unlike rename, link never replaces an existing file.
    await link(unfinished, path).catch((cause: unknown) => {
      if (systemCode(cause) !== 'EEXIST') throw cause;
      throw new SealtrailError('object_differs', `${key} already holds another file`, { cause });
    });
    await syncFolder(dirname(path));
    await rm(unfinished, { force: true });
  }
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array, void, void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
