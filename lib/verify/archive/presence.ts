import { groupBy } from '../../base/group-by.ts';
import { bundleName, checkpointName, tileName } from '../../log/archive.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import { partialPlace, type TrailInventory } from '../evidence/inventory.ts';
import { hasSize } from '../evidence/lower-bound.ts';
import { segmentKey } from '../evidence/segment-index.ts';
import type { Findings } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import type { Span } from '../report/report.ts';

/** Reports what a span of records needs and the archive does not list: segments, bundles, full tiles at every level. */
export function reportMissing(inventory: TrailInventory, span: Span, findings: Findings): void {
  const { trail, tiles, bundles } = inventory;
  reportGaps(inventory, span, findings);
  for (let level = 0, leaves = TILE_WIDTH; leaves <= span.to; level++, leaves *= TILE_WIDTH) {
    const [from, to] = [Math.floor(span.from / leaves), Math.floor(span.to / leaves)];
    for (const [first, end] of tiles.get(level)?.missing(from, to) ?? [[from, to] as const]) {
      if (first >= end) continue;
      const object = tileName(trail, { level, index: first, width: TILE_WIDTH });
      findings.add({ kind: 'missing_tile', trail, object, ...covered(first, end, leaves), message: gone(end - first) });
    }
    if (level > 0) continue;
    for (const [first, end] of bundles.missing(from, to)) {
      const object = bundleName(trail, first, TILE_WIDTH);
      const problem = { trail, object, ...covered(first, end, leaves), message: gone(end - first) };
      findings.add({ kind: 'missing_bundle', ...problem });
    }
  }
}

const gone = (count: number): string =>
  count === 1 ? 'the object is missing' : `${count} objects in a row are missing, this one first`;

function covered(first: number, end: number, leaves: number): { readonly seq: number; readonly lastSeq: number } {
  return { seq: first * leaves, lastSeq: end * leaves - 1 };
}

/** Segments follow each other without a gap and without overlapping. */
function reportGaps(inventory: TrailInventory, span: Span, findings: Findings): void {
  const { trail, segments } = inventory;
  const missing = (seq: number, end: number): void => {
    const message = `no segment holds ${end - seq === 1 ? `record ${seq}` : `records ${seq} to ${end - 1}`}`;
    findings.add({ kind: 'missing_records', trail, object: `${trail}/records/`, seq, lastSeq: end - 1, message });
  };
  let next = span.from;
  for (const segment of segments.overlapping(span.from, span.to)) {
    const { first, last } = segment;
    if (first > next) missing(next, first);
    else if (first < next && next > span.from) {
      const message = `the segment holds records that another one holds too, from ${first} on`;
      const object = segmentKey(trail, segment);
      findings.add({ kind: 'overlapping_records', trail, object, seq: first, message });
    }
    next = Math.max(next, last + 1);
  }
  if (next < span.to) missing(next, span.to);
}

/** An object that reaches beyond the newest checkpoint. */
export interface Beyond {
  readonly object: string;
  readonly first: number;
  /** Record number behind its last. */
  readonly end: number;
}

/** The objects of a trail beyond a size. */
export function* beyond(inventory: TrailInventory, size: number): Generator<Beyond, void, void> {
  const { trail, segments, tiles, bundles, partials } = inventory;
  for (const segment of segments.overlapping(size, Number.POSITIVE_INFINITY)) {
    yield { object: segmentKey(trail, segment), first: Math.max(size, segment.first), end: segment.last + 1 };
  }
  for (const [first, end] of bundles.beyond(size, TILE_WIDTH)) {
    yield { object: bundleName(trail, first, TILE_WIDTH), first: first * TILE_WIDTH, end: end * TILE_WIDTH };
  }
  for (const [level, runs] of tiles) {
    const leaves = TILE_WIDTH ** (level + 1);
    for (const [first, end] of runs.beyond(size, leaves)) {
      const object = tileName(trail, { level, index: first, width: TILE_WIDTH });
      yield { object, first: first * leaves, end: end * leaves };
    }
  }
  for (const partial of partialsOf(partials)) {
    const end = partial.count * partial.leaves;
    if (end > size)
      yield { object: partialName(trail, partial), first: partial.index * TILE_WIDTH * partial.leaves, end };
  }
}

/** A partial tile or bundle. */
export interface Partial {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
  /** Hashes of its level up to its end, in all the tiles of the level. */
  readonly count: number;
  /** Records below one of its hashes. */
  readonly leaves: number;
}

function* partialsOf(partials: TrailInventory['partials']): Generator<Partial, void, void> {
  for (const [place, widths] of partials) {
    const [kind, position] = place.split('/');
    const level = kind === 'entries' ? kind : Number(kind);
    const index = Number(position);
    const leaves = level === 'entries' ? 1 : TILE_WIDTH ** level;
    for (const width of widths) yield { level, index, width, count: index * TILE_WIDTH + width, leaves };
  }
}

function partialName(trail: string, { level, index, width }: Pick<Partial, 'level' | 'index' | 'width'>): string {
  return level === 'entries' ? bundleName(trail, index, width) : tileName(trail, { level, index, width });
}

/** The partial tiles and the partial bundle of a log of this size (C2SP tlog-tiles, Partial Tiles). */
function partialsAt(size: number): Pick<Partial, 'level' | 'index' | 'width'>[] {
  const needed: Pick<Partial, 'level' | 'index' | 'width'>[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    const [index, width] = [Math.floor(count / TILE_WIDTH), count % TILE_WIDTH];
    if (width === 0) continue;
    needed.push({ level, index, width });
    if (level === 0) needed.push({ level: 'entries', index, width });
  }
  return needed;
}

/**
 * Checks the traces that seals left: partial tiles and bundles stand at sealed sizes only, complete, each with its
 * checkpoint, and none beyond what `<trail>/checkpoint` says.
 *
 * @param sealed the size of `<trail>/checkpoint`; undefined where it is missing or not to be believed
 * @returns sizes beyond `sealed` at which partial tiles show that a seal was made, or begun
 */
export function reportSeals(
  inventory: TrailInventory,
  size: number,
  sealed: number | undefined,
  hasCheckpoint: (from: number, to: number) => boolean,
  findings: Findings,
): ReadonlySet<number> {
  const { trail, partials } = inventory;
  const seals = new Set(sealed === undefined ? [] : [sealed]);
  // From the lowest level up: a hash of level 1 stands for 256 sizes, one of level 2 for 65,536, and only where none of them
  // is known to be sealed was it the lowest, at which there is nothing below.
  const byLeaves = groupBy(partialsOf(partials), ({ leaves }) => leaves);
  for (const [leaves, group] of [...byLeaves].sort(([a], [b]) => a - b)) {
    const known = [...seals].sort((a, b) => a - b);
    for (const partial of group) {
      const [least, most] = [partial.count * leaves, (partial.count + 1) * leaves - 1];
      if (least > size) continue;
      // Of what `<trail>/checkpoint` or a lower level says that it was sealed, the checkpoint is missed there.
      if (hasSize(known, least, most) || seals.has(least)) continue;
      seals.add(least);
      if (hasCheckpoint(least, most)) continue;
      const object = checkpointName(trail, least);
      const message = `${partialName(trail, partial)} shows that a checkpoint was sealed here, but none is archived`;
      findings.add({ kind: 'missing_checkpoint', trail, object, seq: least - 1, message });
    }
  }
  const later = new Set([...seals].filter((seal) => seal > (sealed ?? -1)));
  for (const seal of seals) if (!later.has(seal)) reportIncompleteSeal(inventory, seal, findings);
  return later;
}

function reportIncompleteSeal({ trail, partials }: TrailInventory, seal: number, findings: Findings): void {
  for (const partial of partialsAt(seal)) {
    if (partials.get(partialPlace(partial.level, partial.index))?.includes(partial.width) === true) continue;
    const problem: Problem = {
      kind: partial.level === 'entries' ? 'missing_bundle' : 'missing_tile',
      trail,
      object: partialName(trail, partial),
      seq: seal - 1,
      message: `the seal at size ${seal} needs this object, and it is missing`,
    };
    findings.add(problem);
  }
}
