import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, isAlive, NEW, SUFFIX } from './spool.ts';

/** The contents of a spool folder, or a part of them. */
export interface SpooledBatches {
  readonly batches: number;
  readonly events: number;
  /** On disk. */
  readonly bytes: number;
  /** When the oldest was stored, Unix milliseconds. */
  readonly oldest: number | undefined;
}

/** See {@link spoolContents}. */
export interface SpoolContents {
  /** Left by processes that are gone: the next one that opens the folder sends it. */
  readonly waiting: SpooledBatches;
  /** Of processes that run: they send it. */
  readonly running: SpooledBatches;
  /** Files that the log refused, or that are not what was stored. */
  readonly setAside: readonly string[];
}

/**
 * Reads the contents of a spool folder without touching it. Throws the system's errors.
 */
export async function spoolContents(dir: string): Promise<SpoolContents> {
  const parts = { waiting: [NOTHING], running: [NOTHING] };
  const setAside: string[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.name.startsWith('refused-')) setAside.push(entry.name);
    if (!entry.isDirectory() || entry.name.startsWith(NEW)) continue;
    const lane = join(dir, entry.name);
    parts[(await isAlive(lane)) ? 'running' : 'waiting'].push(await laneContents(lane));
  }
  return { waiting: total(parts.waiting), running: total(parts.running), setAside: setAside.sort() };
}

const NOTHING: SpooledBatches = { batches: 0, events: 0, bytes: 0, oldest: undefined };

async function laneContents(lane: string): Promise<SpooledBatches> {
  const found: SpooledBatches[] = [NOTHING];
  for (const name of await readdir(lane).catch(() => [])) {
    if (!name.endsWith(SUFFIX)) continue;
    const file = join(lane, name);
    try {
      const { size, mtimeMs } = await stat(file);
      const events = decode(await readFile(file, 'utf8'))?.count ?? 0;
      found.push({ batches: 1, events, bytes: size, oldest: mtimeMs });
    } catch {
      // Gone: it has just been sent.
    }
  }
  return total(found);
}

function total(parts: readonly SpooledBatches[]): SpooledBatches {
  const sum = (of: 'batches' | 'events' | 'bytes'): number => parts.reduce((so, part) => so + part[of], 0);
  const times = parts.flatMap(({ oldest }) => oldest ?? []);
  const oldest = times.length === 0 ? undefined : Math.min(...times);
  return { batches: sum('batches'), events: sum('events'), bytes: sum('bytes'), oldest };
}
