import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { isCount, isObject } from '../../log/json.ts';
import { writeWhole } from './whole-file.ts';

/** A batch as it is sent, byte for byte each time: that and its key make the append happen once. */
export interface Batch {
  /** Idempotency key. */
  readonly key: string;
  /** Events in it. */
  readonly count: number;
  readonly body: string;
}

/** Where a stored batch is. */
export interface Stored {
  readonly file: string;
  /** On disk. */
  readonly bytes: number;
}

/** How often a lane's owner says that it is there, and after how long without a word it is taken for gone. */
const BEAT_MS = 20_000;
const GONE_MS = 300_000;
const ALIVE = 'alive';
/** Of a stored batch's file. */
export const SUFFIX = '.batch';
/** A lane's name until its owner is in it. */
export const NEW = 'new-';
/** This process's lanes. A container's process often has the number of the one before it. */
const OWN = new Set<string>();

/**
 * Batches on disk until the log has them. Each process writes into a folder (lane) of its own, one file per batch, whole
 * and synced before it has its name, never changed after; deleting it is the acknowledgement. What a process leaves
 * behind is taken over by the next one. Should two take over the same batch, both send it under the same idempotency key,
 * and the log has it once: nothing rests on who is thought to be alive.
 */
export class Spool {
  readonly #dir: string;
  readonly #lane: string;
  readonly #beat: NodeJS.Timeout;
  #next = 0;
  #bytes = 0;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#lane = join(dir, `${Date.now().toString(36)}-${randomUUID()}`);
    OWN.add(this.#lane);
    this.#beat = setInterval(() => this.#touch(), BEAT_MS).unref();
  }

  /** Opens a spool folder, which is made if it is not there. @throws `unavailable` where that fails */
  static async open(dir: string): Promise<Spool> {
    const spool = new Spool(dir);
    try {
      await spool.#makeLane();
    } catch (cause) {
      clearInterval(spool.#beat);
      throw new SealtrailError('unavailable', `cannot use the spool folder ${dir}`, { cause });
    }
    return spool;
  }

  /** Bytes of this process's batches on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Stores a batch; when this resolves, it survives a crash. Throws the system's errors. */
  async put(batch: Batch): Promise<Stored> {
    const file = join(this.#lane, `${String(this.#next++).padStart(12, '0')}${SUFFIX}`);
    try {
      return await this.#write(file, batch);
    } catch (error) {
      if (!isMissing(error)) throw error;
      // Another process may have taken a lane without batches for an abandoned one.
      await this.#makeLane();
      return await this.#write(file, batch);
    }
  }

  /**
   * Stores the replacement of a batch in its place: a process that takes over comes to them when it would have
   * come to it. Should this process end before it is done, the next one makes the same of it. Throws the system's errors.
   */
  async putInstead(stored: Stored, batches: readonly Batch[]): Promise<Stored[]> {
    const place = stored.file.slice(0, -SUFFIX.length);
    const all: Stored[] = [];
    for (const [i, batch] of batches.entries()) all.push(await this.#write(`${place}.${i}${SUFFIX}`, batch));
    await this.remove(stored);
    return all;
  }

  async #write(file: string, batch: Batch): Promise<Stored> {
    const text = encode(batch);
    await writeWhole(file, text);
    const bytes = Buffer.byteLength(text);
    if (this.#isOwn(file)) this.#bytes += bytes;
    return { file, bytes };
  }

  #isOwn(file: string): boolean {
    return dirname(file) === this.#lane;
  }

  /** Reads a batch back. Undefined where it is gone: another process has sent it. @throws `store_corrupt` */
  async read(stored: Stored): Promise<Batch | undefined> {
    let text: string;
    try {
      text = await readFile(stored.file, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    const batch = decode(text);
    if (batch === undefined)
      throw new SealtrailError('store_corrupt', `${stored.file} is not the batch that was stored`);
    return batch;
  }

  /** The log has it. */
  async remove(stored: Stored): Promise<void> {
    if (this.#isOwn(stored.file)) this.#bytes -= stored.bytes;
    await unlink(stored.file).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  /** Puts a batch aside that can never be sent, for people to look at. */
  async setAside(stored: Stored): Promise<string> {
    const target = join(this.#dir, `refused-${randomUUID()}.json`);
    await rename(stored.file, target).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    if (this.#isOwn(stored.file)) this.#bytes -= stored.bytes;
    return target;
  }

  /** Batches left by processes that are gone, oldest first. */
  async abandoned(): Promise<Stored[]> {
    const found: Stored[] = [];
    for (const name of (await readdir(this.#dir)).sort()) {
      const lane = join(this.#dir, name);
      // A name with a dot is a file, such as a refused batch or the checkpoint that was seen last.
      if (lane === this.#lane || name.includes('.') || name.startsWith(NEW) || (await isAlive(lane))) continue;
      const files = (await readdir(lane).catch(() => [])).filter((file) => file.endsWith(SUFFIX)).sort();
      for (const file of files) {
        const info = await stat(join(lane, file)).catch(() => undefined); // Gone: another process was faster.
        if (info !== undefined) found.push({ file: join(lane, file), bytes: info.size });
      }
      if (files.length === 0) await clearAway(lane);
    }
    return found;
  }

  /** Releases the lane: the next process sends its batches. */
  async close(): Promise<void> {
    clearInterval(this.#beat);
    OWN.delete(this.#lane);
    await this.abandoned().catch(() => undefined); // Clears away the lanes that are empty now; the next process can too.
    await rm(join(this.#lane, ALIVE), { force: true });
    await rmdir(this.#lane).catch(() => undefined); // It is not empty: then it stays.
  }

  /** It gets its name with its owner in it: so no other process sees a lane that seems to have no owner. */
  async #makeLane(): Promise<void> {
    const made = join(this.#dir, `${NEW}${randomUUID()}`);
    await mkdir(made, { recursive: true, mode: 0o700 });
    await writeFile(join(made, ALIVE), JSON.stringify({ host: hostname(), pid: process.pid }));
    await rename(made, this.#lane);
  }

  #touch(): void {
    const now = new Date();
    utimes(join(this.#lane, ALIVE), now, now).catch(() => undefined); // Worst case: a batch is sent twice, and kept once.
  }
}

/** Only an empty lane goes: one that gets a batch at this moment stays. */
async function clearAway(lane: string): Promise<void> {
  for (const name of await readdir(lane).catch(() => [])) {
    if (name === ALIVE || name.endsWith('.part')) await rm(join(lane, name), { force: true });
  }
  await rmdir(lane).catch(() => undefined);
}

/** True if the process that a lane belongs to is still there. */
export async function isAlive(lane: string): Promise<boolean> {
  const file = join(lane, ALIVE);
  try {
    if (Date.now() - (await stat(file)).mtimeMs > GONE_MS) return false;
    const owner: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isObject(owner) || typeof owner.host !== 'string' || !isCount(owner.pid)) return false;
    if (owner.host !== hostname()) return true;
    return owner.pid === process.pid ? OWN.has(lane) : isRunning(owner.pid);
  } catch {
    return false; // No such file, or half of one: no one who could be disturbed.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function encode({ key, count, body }: Batch): string {
  return `${JSON.stringify({ v: 1, key, count, sha256: digest(body) })}\n${body}`;
}

/** A batch as it was stored; undefined where it is not. */
export function decode(text: string): Batch | undefined {
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  try {
    const head: unknown = JSON.parse(text.slice(0, end));
    if (!isObject(head)) return undefined;
    const { key, count, sha256 } = head;
    return sha256 === digest(body) && typeof key === 'string' && isCount(count) ? { key, count, body } : undefined;
  } catch {
    return undefined; // Not JSON: the caller says so.
  }
}

const digest = (body: string): string => createHash('sha256').update(body).digest('hex');

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
