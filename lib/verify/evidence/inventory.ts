import { createHash } from 'node:crypto';
import { MAX_RECORD_BYTES } from '../../log/record.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import type { Objects, ObjectVersion } from '../../store/ports.ts';
import { type Findings, quoted, shownKey } from '../report/findings.ts';
import { readOutcome } from './evidence.ts';
import { Runs } from './number-ranges.ts';
import { type ArchiveName, parseArchiveName } from './object-names.ts';
import { SegmentIndex } from './segment-index.ts';

/** Where partial tiles and bundles are filed: by `<level or "entries">/<index>`. */
export const partialPlace = (level: number | 'entries', index: number): string => `${level}/${index}`;

/** The archive's objects of one trail, by name. Nothing in it has been read yet. */
export interface TrailInventory {
  readonly trail: string;
  readonly segments: SegmentIndex;
  /** Sizes, ascending. */
  readonly checkpoints: readonly number[];
  /** Sizes of the checkpoints with cosignatures, ascending. */
  readonly witnessed: readonly number[];
  /** Sizes of the checkpoints with a time-stamp, ascending. */
  readonly timestamps: readonly number[];
  /** Versions of `<trail>/checkpoint`, oldest first; empty where it is missing. */
  readonly newest: readonly string[];
  /** Indices of full tiles, by level. */
  readonly tiles: ReadonlyMap<number, Runs>;
  /** Indices of full bundles. */
  readonly bundles: Runs;
  /** Widths of partial tiles and bundles, by {@link partialPlace}. */
  readonly partials: ReadonlyMap<string, readonly number[]>;
}

/** The archive's objects. */
export interface Inventory {
  readonly trails: ReadonlyMap<string, TrailInventory>;
  /** Key files: `<key id>.vkey` and `<key id>.pem`. */
  readonly keyFiles: ReadonlySet<string>;
  /** The version to read, for keys that have more than one: the oldest, which is the one that was locked. */
  readonly oldest: ReadonlyMap<string, string>;
  /** SHA-256 in hex of every name and the sizes of its versions, in the order of the listing. */
  readonly digest: string;
}

/** Larger objects than these are not what their name says, and are not read. */
const MAX_BYTES = {
  newest: 1 << 20,
  checkpoint: 1 << 20,
  witnessed: 1 << 20,
  timestamp: 1 << 16,
  segment: 128 << 20,
  tile: TILE_WIDTH * (MAX_RECORD_BYTES + 2),
  key: 1 << 16,
} as const;

/**
 * Deflate packs at most 1,032 bytes into one (RFC 1951 section 3.2.5), and no record line is as short as 128 bytes. Some
 * bytes more, so that a small object is read and said to be what it is. */
const mostRecords = (bytes: number): number => Math.ceil(((bytes + 1000) * 1032) / 128);

interface Draft {
  readonly trail: string;
  readonly segments: SegmentIndex;
  readonly checkpoints: number[];
  readonly witnessed: number[];
  readonly timestamps: number[];
  newest: string[];
  readonly tiles: Map<number, Runs>;
  readonly bundles: Runs;
  readonly partials: Map<string, number[]>;
}

/**
 * Lists every version of every object once and reports what does not belong: unknown objects, impossible names, extra
 * versions, delete markers, links. Memory: some bytes for each segment and checkpoint, none for a record.
 *
 * @param trails undefined: all
 */
export async function takeInventory(
  objects: Objects,
  trails: readonly string[] | undefined,
  findings: Findings,
): Promise<Inventory> {
  const taking = new Taking(objects, trails, findings);
  const prefixes = trails === undefined ? [''] : ['keys/', ...trails.map((trail) => `${trail}/`)];
  for (const prefix of prefixes) {
    let versions: ObjectVersion[] = [];
    for await (const version of objects.versions(prefix)) {
      if (versions[0] !== undefined && versions[0].key !== version.key) {
        await taking.file(versions);
        versions = [];
      }
      versions.push(version);
    }
    await taking.file(versions);
  }
  return taking.finish();
}

class Taking {
  readonly #objects: Objects;
  readonly #findings: Findings;
  readonly #trails = new Map<string, Draft>();
  readonly #keyFiles = new Set<string>();
  readonly #oldest = new Map<string, string>();
  readonly #digest = createHash('sha256');

  constructor(objects: Objects, trails: readonly string[] | undefined, findings: Findings) {
    this.#objects = objects;
    this.#findings = findings;
    for (const trail of trails ?? []) this.#draft(trail);
  }

  /** @param versions all of one key, newest first */
  async file(versions: readonly ObjectVersion[]): Promise<void> {
    const key = versions[0]?.key;
    if (key === undefined) return;
    this.#digest.update(
      `${JSON.stringify([key, versions.map(({ size, isDeleteMarker }) => [size, isDeleteMarker])])}\n`,
    );
    const name = parseArchiveName(key);
    const about = {
      object: shownKey(key),
      ...('trail' in name && name.trail !== undefined ? { trail: name.trail } : {}),
    };
    if (name.kind === 'bad') {
      this.#findings.add({
        kind: 'bad_name',
        ...about,
        message: `no object of an archive can be named ${quoted(key)}`,
      });
      return;
    }
    if (name.kind === 'unknown') return this.#reportUnknown(key, versions, about);
    const real = versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
    this.#reportVersions(name, versions, real, about);
    const oldest = real.at(-1);
    if (oldest === undefined) return;
    if (oldest.size > MAX_BYTES[name.kind]) {
      const message = `the object has ${oldest.size} bytes, more than any of its sort; it was not read`;
      this.#findings.add({ kind: 'too_large', ...about, message });
      return;
    }
    if (name.kind === 'segment' && name.segment.last - name.segment.first >= mostRecords(oldest.size)) {
      const message = `the name promises more records than ${oldest.size} bytes can hold; it was not read`;
      this.#findings.add({ kind: 'wrong_range', ...about, message });
      return;
    }
    if (versions.length > 1 && name.kind !== 'newest') this.#oldest.set(key, oldest.version);
    this.#enter(name, real);
  }

  finish(): Inventory {
    const trails = new Map<string, TrailInventory>();
    for (const [trail, draft] of [...this.#trails].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { checkpoints, witnessed, timestamps } = draft;
      for (const sizes of [checkpoints, witnessed, timestamps]) sizes.sort((a, b) => a - b);
      trails.set(trail, draft);
    }
    return { trails, keyFiles: this.#keyFiles, oldest: this.#oldest, digest: this.#digest.digest('hex') };
  }

  #draft(trail: string): Draft {
    const known = this.#trails.get(trail);
    if (known !== undefined) return known;
    const draft = {
      trail,
      segments: new SegmentIndex(),
      checkpoints: [],
      witnessed: [],
      timestamps: [],
      newest: [],
      tiles: new Map(),
      bundles: new Runs(),
      partials: new Map(),
    };
    this.#trails.set(trail, draft);
    return draft;
  }

  #enter(name: Exclude<ArchiveName, { kind: 'unknown' | 'bad' }>, real: readonly ObjectVersion[]): void {
    if (name.kind === 'key') {
      this.#keyFiles.add(`${name.keyId}.${name.form}`);
      return;
    }
    const draft = this.#draft(name.trail);
    if (name.kind === 'newest') draft.newest = real.map(({ version }) => version).reverse();
    else if (name.kind === 'checkpoint') draft.checkpoints.push(name.size);
    else if (name.kind === 'witnessed') draft.witnessed.push(name.size);
    else if (name.kind === 'timestamp') draft.timestamps.push(name.size);
    else if (name.kind === 'segment') draft.segments.add(name.segment);
    else {
      const { tile } = name;
      const level = tile.kind === 'entries' ? 'entries' : tile.level;
      if (tile.width < TILE_WIDTH) {
        const place = partialPlace(level, tile.index);
        draft.partials.set(
          place,
          [...(draft.partials.get(place) ?? []), tile.width].sort((a, b) => a - b),
        );
      } else if (level === 'entries') draft.bundles.add(tile.index);
      else {
        const runs = draft.tiles.get(level) ?? new Runs();
        runs.add(tile.index);
        draft.tiles.set(level, runs);
      }
    }
  }

  /** Object Lock protects versions, not keys: what was put over a locked version shadows it. */
  #reportVersions(
    name: ArchiveName,
    versions: readonly ObjectVersion[],
    real: readonly ObjectVersion[],
    about: { readonly object: string; readonly trail?: string },
  ): void {
    const markers = versions.length - real.length;
    if (markers > 0) {
      const message = `${markers === 1 ? 'a delete marker stands' : `${markers} delete markers stand`} over the object`;
      this.#findings.add({ kind: 'delete_marker', ...about, message });
    }
    if (real.length > 1 && name.kind !== 'newest') {
      const message = `the object was written ${real.length} times; the oldest version was read`;
      this.#findings.add({ kind: 'extra_version', ...about, message });
    }
  }

  async #reportUnknown(
    key: string,
    versions: readonly ObjectVersion[],
    about: { readonly object: string; readonly trail?: string },
  ): Promise<void> {
    const link = await this.#isLink(key, versions);
    if (link) this.#findings.add({ kind: 'symbolic_link', ...about, message: 'this is a link or a special file' });
    else this.#findings.add({ kind: 'unknown_object', ...about, message: 'no object of an archive has this name' });
  }

  /** A link is small, and a folder that is one looks like an object here. */
  async #isLink(key: string, versions: readonly ObjectVersion[]): Promise<boolean> {
    if (versions.length !== 1 || (versions[0]?.size ?? 0) > 4096) return false;
    return (await readOutcome(this.#objects.get(key))) === 'link';
  }
}
