import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueryOrder } from '../../contract/query.ts';
import { DAY_MS } from '../../contract/time.ts';
import { SealtrailError } from '../../log/error.ts';
import { assertOptions } from '../event/options.ts';
import { asError, BufferLimiter, type BufferOptions, type Entry, type KeptEvent, type Sink } from '../event/sink.ts';
import { textLine } from '../event/text-line.ts';

/** Where and how a file sink writes. */
export interface FileSinkOptions extends BufferOptions {
  /** Made if it is not there. */
  readonly dir: string;
  /** First part of the files' names. @default audit */
  readonly prefix?: string;
  /** When a new file begins, in UTC; weeks begin on Monday (ISO 8601). @default daily */
  readonly rotate?: 'hourly' | 'daily' | 'weekly';
  /** `json`: one event per line as JSON. `text`: time, severity, type, outcome, actor, action and more. @default json */
  readonly format?: 'json' | 'text';
  /** Days after which a file that is no longer written to is removed; it has to be of the sink's own name. @default they stay */
  readonly keepDays?: number;
  /** `always`: an event has landed when the disk has it. `never`: when the system has it. @default always */
  readonly fsync?: 'always' | 'never';
  /** Called when writing begins to fail; it is tried again. */
  readonly onError?: (error: Error) => void;
  /** @default Date.now */
  readonly clock?: () => number;
}

/** The rest of a file's name, after its prefix. */
const PERIOD_FILE = /^\d{4}-(?:\d\d-\d\d(?:T\d\d)?|W\d\d)\.(?:ndjson|log)$/;
const RETRY_MS = 500;
/** After so many failures in a row a flush gives up, and says so. */
const ATTEMPTS = 3;

/**
 * Appends events to files, one line each. Events that are logged while a write is under way share the next one.
 *
 * @example
 * const audit = createAuditLogger({ file: { dir: 'audit-log', rotate: 'hourly' } });
 * await audit.log({ type: 'invoice.paid' }).receipt; // it is on disk
 * await audit.close();
 */
export class FileSink implements Sink {
  readonly name = 'file';
  readonly #options: FileSinkOptions;
  readonly #buffer: BufferLimiter;
  #open: Entry[] = [];
  #file: { readonly name: string; readonly handle: FileHandle } | undefined;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;

  /** @throws `usage` where an option cannot be */
  constructor(options: FileSinkOptions) {
    assertOptions(options, {
      keepDays: { from: 1 },
      rotate: ['hourly', 'daily', 'weekly'],
      format: ['json', 'text'],
      fsync: ['always', 'never'],
    });
    this.#options = options;
    this.#buffer = new BufferLimiter(options);
  }

  write(entry: Entry): Promise<void> | undefined {
    const entered = this.#buffer.enter(entry);
    if (entered === false) return undefined;
    this.#open.push(entry);
    this.#writing ??= this.#drain();
    return entered === true ? undefined : entered;
  }

  /** The events of all of its files. @throws `usage` where they were written as text */
  async *kept(order: QueryOrder): AsyncGenerator<KeptEvent, void, void> {
    const { dir, prefix = 'audit', format } = this.#options;
    if (format === 'text') {
      throw new SealtrailError('usage', 'a file sink that writes text cannot be asked: format json can', {
        field: 'file.format',
      });
    }
    const { keptLines } = await import('./kept-lines.ts');
    const names = (await namesIn(dir)).filter((name) => isFileOf(prefix, name) && name.endsWith('.ndjson')).sort();
    yield* keptLines(dir, names, order);
  }

  /** @throws `unavailable` where the file cannot be written: the events are kept, and the next write tries again */
  async flush(): Promise<void> {
    if (this.#open.length > 0) this.#writing ??= this.#drain();
    await this.#writing;
    if (this.#failure === undefined) return;
    const message = `${this.#open.length} events could not be written to ${this.#options.dir}`;
    throw new SealtrailError('unavailable', message, { cause: this.#failure });
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      for (const entry of this.#open.splice(0)) entry.failed(asError(error));
      throw error;
    } finally {
      await this.#file?.handle.close();
      this.#file = undefined;
    }
  }

  /** Never throws: what happened is kept for anyone who flushes. */
  async #drain(): Promise<void> {
    await Promise.resolve(); // So that what is logged in one turn is written together.
    let failures = 0;
    while (failures < ATTEMPTS) {
      const loss = this.#buffer.takeLoss();
      const batch = this.#open.splice(0);
      if (batch.length === 0 && loss === undefined) break;
      const lines = batch.map((entry) => this.#line(entry));
      // Those that were left out came when the buffer was full: after those that filled it.
      if (loss !== undefined) lines.push(lossLine(loss, this.#options.format));
      try {
        await this.#append(lines.map((line) => `${line}\n`).join(''));
        this.#failure = undefined;
        failures = 0;
        this.#buffer.leave(
          batch.length,
          batch.reduce((sum, { bytes }) => sum + bytes, 0),
        );
        for (const entry of batch) entry.landed();
      } catch (error) {
        this.#open = [...batch, ...this.#open];
        if (loss !== undefined) this.#buffer.giveBack(loss);
        const isNew = this.#failure === undefined;
        this.#failure = asError(error);
        if (isNew) this.#options.onError?.(this.#failure);
        if (++failures < ATTEMPTS) await delay(RETRY_MS);
      }
    }
    this.#writing = undefined;
  }

  /** All of it or nothing: what a failed write left behind is cut off again. */
  async #append(lines: string): Promise<void> {
    const handle = await this.#current();
    const { size } = await handle.stat();
    try {
      await handle.appendFile(lines);
      if (this.#options.fsync !== 'never') await handle.datasync();
    } catch (error) {
      await handle.truncate(size).catch(() => undefined); // The first error says what is wrong.
      throw error;
    }
  }

  async #current(): Promise<FileHandle> {
    const name = this.#name();
    if (this.#file?.name === name) return this.#file.handle;
    const { dir } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const handle = await open(join(dir, name), 'a+', 0o600);
    await endLine(handle);
    if (this.#options.fsync !== 'never') await (await import('../event/durable.ts')).syncFolder(dir);
    await this.#file?.handle.close();
    this.#file = { name, handle };
    await this.#removeOld(name).catch((error: unknown) => this.#options.onError?.(asError(error)));
    return handle;
  }

  /** Whenever a file begins. */
  async #removeOld(current: string): Promise<void> {
    const { dir, prefix = 'audit', keepDays, clock = Date.now } = this.#options;
    if (keepDays === undefined) return;
    for (const name of await readdir(dir)) {
      if (!isFileOf(prefix, name) || name === current) continue;
      const { mtimeMs } = await stat(join(dir, name));
      if (clock() - mtimeMs > keepDays * DAY_MS) await rm(join(dir, name), { force: true });
    }
  }

  #name(): string {
    const { prefix = 'audit', rotate = 'daily', format = 'json', clock = Date.now } = this.#options;
    return `${prefix}-${periodOf(clock(), rotate)}.${format === 'json' ? 'ndjson' : 'log'}`;
  }

  #line(entry: Entry): string {
    return this.#options.format === 'text' ? textLine(entry.json, entry.severity) : entry.json;
  }
}

/** True if a file is one of a sink's. */
const isFileOf = (prefix: string, name: string): boolean =>
  name.startsWith(`${prefix}-`) && PERIOD_FILE.test(name.slice(prefix.length + 1));

/** The names in a folder; none before its first event. */
function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : Promise.reject(error)));
}

/** A process that was killed may have left half a line: it stays alone on it. */
async function endLine(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat();
  if (size === 0) return;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  if (buffer[0] !== 0x0a) await handle.appendFile('\n');
}

function lossLine(loss: object, format: 'json' | 'text' | undefined): string {
  const event = { type: 'audit.events_dropped', time: new Date().toISOString(), severity: 'error', details: loss };
  return format === 'text' ? textLine(JSON.stringify(event), 'error') : JSON.stringify(event);
}

/**
 * The period that a time belongs to, as it stands in a file's name: `2026-11-21T06`, `2026-11-21` or `2026-W47`.
 *
 * @param time Unix milliseconds
 */
export function periodOf(time: number, rotate: 'hourly' | 'daily' | 'weekly'): string {
  const iso = new Date(time).toISOString();
  if (rotate === 'hourly') return iso.slice(0, 13);
  if (rotate === 'daily') return iso.slice(0, 10);
  // ISO 8601: a week belongs to the year that its Thursday is in.
  const weekday = (new Date(time).getUTCDay() + 6) % 7;
  const thursday = new Date(time + (3 - weekday) * DAY_MS);
  const dayOfYear = Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / DAY_MS);
  return `${thursday.getUTCFullYear()}-W${String(Math.floor(dayOfYear / 7) + 1).padStart(2, '0')}`;
}
