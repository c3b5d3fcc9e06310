import { type FileHandle, rm } from 'node:fs/promises';
import { closing } from '../durable-file.ts';
import type { DownloadWriter } from '../ports.ts';
import { attempt } from './failure.ts';

/** Writes a file under a name that no key can have. */
export class FileWriter implements DownloadWriter {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #publish: () => Promise<void>;
  #isOpen = true;

  constructor(handle: FileHandle, path: string, publish: () => Promise<void>) {
    this.#handle = handle;
    this.#path = path;
    this.#publish = publish;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await attempt(this.#path, () => this.#handle.writeFile(bytes));
  }

  async finish(): Promise<void> {
    await attempt(this.#path, async () => {
      this.#isOpen = false;
      await closing(this.#handle, () => this.#handle.sync());
      await this.#publish();
    });
  }

  async abandon(): Promise<void> {
    await attempt(this.#path, async () => {
      if (this.#isOpen) await this.#handle.close();
      this.#isOpen = false;
      await rm(this.#path, { force: true });
    });
  }
}
