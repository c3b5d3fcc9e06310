import { readFile, rename } from 'node:fs/promises';
import { type Checkpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import type { LogView } from '../read/log-view.ts';
import { writeWhole } from './whole-file.ts';

/** More than any signed note has. */
const MAX_BYTES = 64 * 1024;

/**
 * A file that holds the newest checkpoint that was seen of a trail: the signed note itself, as auditors keep it. Replaced
 * as a whole, so it never grows, and processes may share it: what one of them was shown, the others compare with.
 */
export class KeptCheckpoint {
  readonly #file: string;
  /** The note that is in the file and has been compared. */
  #known: string | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Compares what is kept with what was seen, and keeps the newer of the two. The same where someone else does so at the
   * same time: one of the two checkpoints is kept, and either is one of this history.
   *
   * @param note of the newest checkpoint of the view; undefined: nothing was seen since the start
   * @throws `proof_mismatch` where they are not of one history: then the other one is kept beside it, under the file's name
   *   and `.contradicted`. `store_corrupt` where the file holds no checkpoint: it is put aside, under its name and
   *   `.unreadable`. The server's and the system's errors
   */
  async exchange(view: LogView, note: string | undefined): Promise<void> {
    const kept = await this.#read();
    if (kept !== undefined && kept.note !== this.#known) {
      await this.#compare(view, kept.checkpoint, note);
      this.#known = kept.note;
    }
    const size = view.newest?.size ?? 0;
    if (note === undefined || note === this.#known || size <= (kept?.checkpoint.size ?? 0)) return;
    await writeWhole(this.#file, note);
    this.#known = note;
  }

  /** Puts a checkpoint that contradicts the kept one where both are found. */
  async accuse(note: string): Promise<void> {
    await writeWhole(`${this.#file}.contradicted`, note);
  }

  async #compare(view: LogView, kept: Checkpoint, note: string | undefined): Promise<void> {
    try {
      await view.extend(kept);
    } catch (error) {
      if (note !== undefined && error instanceof SealtrailError && error.code === 'proof_mismatch') {
        await this.accuse(note);
      }
      throw error;
    }
  }

  async #read(): Promise<{ readonly note: string; readonly checkpoint: Checkpoint } | undefined> {
    let note: string;
    try {
      note = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      if (note.length > MAX_BYTES) throw new SealtrailError('malformed_note', 'it is too large');
      // Its signature was checked before it was kept; who can write here can remove it as well.
      return { note, checkpoint: parseCheckpoint(parseNote(note).text) };
    } catch (cause) {
      if (!(cause instanceof SealtrailError)) throw cause;
      await rename(this.#file, `${this.#file}.unreadable`);
      const message = `${this.#file} does not hold the checkpoint that was kept: ${cause.message}`;
      throw new SealtrailError('store_corrupt', message, { cause });
    }
  }
}
