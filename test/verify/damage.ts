import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Objects } from '../../lib/store/ports.ts';
import { type ProblemKind, parseTrustedKeys, type Report, verifyArchive } from '../../lib/verify/index.ts';
import {
  type Archive,
  type Built,
  buildTrail,
  KEY,
  LOG,
  objectsOf,
  TRAIL,
  type TrailPlan,
  vkeyOf,
} from './archive-builder.ts';

export const trust = parseTrustedKeys(vkeyOf(`${LOG}/${TRAIL}`, KEY));
export const SIZES = [1, 255, 256, 257, 1000] as const;

/** Some runs and seals on the way to a size, the last record sealed. */
export function planOf(size: number): TrailPlan {
  const steps = [0.2, 0.4, 0.55, 0.6, 0.9, 1].map((part) => Math.ceil(part * size));
  const runs = [...new Set(steps)];
  return { runs, seals: [...new Set([runs[1] ?? size, size])].sort((a, b) => a - b) };
}

const built = new Map<number, Built>();
export function archiveOf(size: number): Built {
  const known = built.get(size) ?? buildTrail(planOf(size));
  built.set(size, known);
  return known;
}

export async function verify(
  archive: Archive,
  wrap: (objects: Objects) => Objects = (objects) => objects,
): Promise<Report> {
  return verifyArchive(wrap(await objectsOf(archive)), { trust });
}

// -------------------------------------------------------------------------------------------- finding and editing

export const names = (archive: Archive, pattern: RegExp): string[] =>
  [...archive.keys()].filter((key) => pattern.test(key)).sort();
export const SEGMENTS = /\/records\//;
export const BUNDLES = /\/tile\/entries\//;
export const TILES = /\/tile\/[0-9]/;
export const CHECKPOINTS = /\/checkpoints\//;

export function pick(archive: Archive, pattern: RegExp, at: 'first' | 'middle' | 'last' = 'middle'): string {
  const found = names(archive, pattern);
  const index = at === 'first' ? 0 : at === 'last' ? found.length - 1 : Math.floor(found.length / 2);
  return found[index] ?? expect.fail(`no object matches ${pattern}`);
}

export function bytesOf(archive: Archive, key: string): Buffer {
  return archive.get(key) ?? expect.fail(`there is no ${key}`);
}

export function rename(archive: Archive, from: string, to: string): void {
  archive.set(to, bytesOf(archive, from));
  archive.delete(from);
}

/** The segment that holds a record, and that record's place in it. */
export function segmentOf(archive: Archive, seq: number): { key: string; at: number } {
  for (const key of names(archive, SEGMENTS)) {
    const [, first, last] = /([0-9]{16})-([0-9]{16})/.exec(key) ?? [];
    if (Number(first) <= seq && seq <= Number(last)) return { key, at: seq - Number(first) };
  }
  return expect.fail(`no segment holds record ${seq}`);
}

export function editLines(archive: Archive, key: string, edit: (lines: string[]) => string[]): void {
  const lines = gunzipSync(bytesOf(archive, key)).toString().slice(0, -1).split('\n');
  archive.set(
    key,
    gzipSync(
      edit(lines)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
}

/** Replaces objects by those of an archive of the same plan that was built from other lines. */
export function rebuildWith(
  archive: Archive,
  size: number,
  lines: readonly string[],
  patterns: readonly RegExp[],
): void {
  const other = buildTrail({ ...planOf(size), lines }).archive;
  for (const pattern of patterns) for (const key of names(other, pattern)) archive.set(key, bytesOf(other, key));
}

// --------------------------------------------------------------------------------------------------- the damage

export interface Damage {
  readonly name: string;
  /** One of these must be among the problems. */
  readonly kinds: readonly ProblemKind[];
  readonly sizes?: readonly number[];
  /** @returns what else the problem must say */
  readonly edit: (archive: Archive, size: number, built: Built) => { object?: string; seq?: number };
  readonly wrap?: (objects: Objects) => Objects;
}

export const LARGER = [255, 256, 257, 1000];

/** Sizes of the archived checkpoints, ascending. */
export const runsOf = (archive: Archive): number[] =>
  names(archive, CHECKPOINTS)
    .map((key) => Number(key.split('/').at(-1)))
    .sort((a, b) => a - b);
