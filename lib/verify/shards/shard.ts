import { checkpointName } from '../../log/archive.ts';
import { EMPTY_FRONTIER } from '../../log/frontier.ts';
import { EMPTY_ROOT, HASH_BYTES, type Hash, ZERO_HASH } from '../../log/hash.ts';
import { MAX_RECORD_BYTES } from '../../log/record.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import type { Objects } from '../../store/ports.ts';
import { Evidence } from '../evidence/evidence.ts';
import { partialPlace } from '../evidence/inventory.ts';
import type { SegmentName } from '../evidence/object-names.ts';
import { type Line, LineReader, namesPrevious, UNREADABLE } from '../records/check-line.ts';
import { SegmentStream } from '../records/segment-stream.ts';
import { Findings } from '../report/findings.ts';
import { TimelineCounter } from '../report/timeline.ts';
import { type Reconciled, reconcileCopies } from './bundle-copies.ts';
import { type Copy, TileReader, UpperTiles } from './check-tiles.ts';
import { HeadRecords } from './head-records.ts';
import { OpenActions } from './open-actions.ts';
import { Producers } from './producer-order.ts';
import { RootChecks, type RootClaim } from './root-checks.ts';
import type { ChainState, ShardJob, ShardResult } from './shard-job.ts';
import { BegunTrails } from './trail-beginnings.ts';
import { type OnRoot, TreeWalk } from './tree-walk.ts';

/** Units whose objects are fetched ahead of the one that is looked at. */
const READ_AHEAD = 8;

/** How a caller follows and stops a span. */
export interface ShardOptions {
  readonly signal?: AbortSignal;
  /** Called for records as they are done, since the last call. */
  readonly onRecords?: (records: number, problems: number) => void;
}

/**
 * Verifies a stretch of a trail: every record line, all copies of every record, tiles at every level, and the root of
 * every checkpoint. Reads each object once, in the order of the records, in constant memory.
 */
export async function verifyShard(objects: Objects, job: ShardJob, options: ShardOptions = {}): Promise<ShardResult> {
  const walk = new SpanWalk(objects, job, options);
  return walk.run();
}

/** The copies of one tile of records, fetched ahead of time. */
interface Fetched {
  readonly first: number;
  readonly bundles: Promise<Copy[]>;
  readonly tiles: Promise<Copy[]>;
  readonly claims: Promise<RootClaim[]>;
}

class SpanWalk {
  readonly #job: ShardJob;
  readonly #options: ShardOptions;
  readonly #findings = new Findings();
  readonly #timeline = new TimelineCounter();
  readonly #producers = new Producers();
  readonly #actions = new OpenActions();
  readonly #begun: BegunTrails;
  readonly #heads: HeadRecords;
  readonly #timesAt: ReadonlySet<number>;
  readonly #timedAt = new Map<number, number>();
  readonly #roots: RootChecks;
  readonly #tiles: TileReader;
  readonly #upper: UpperTiles;
  readonly #tree: TreeWalk;
  readonly #segments: SegmentStream;
  readonly #reader: LineReader;
  #segmentCount = 0;
  #records = 0;
  #bytes = 0;
  #firstAt: number | undefined;
  #gap: number | undefined;
  /** The record that comes next. */
  #at: number;
  // What the records so far hand on to the next: see ChainState.
  #leaf: Hash | undefined;
  #receivedAt: number | undefined;

  constructor(objects: Objects, job: ShardJob, options: ShardOptions) {
    this.#job = job;
    this.#options = options;
    this.#at = job.span.from;
    this.#timesAt = new Set(job.timesAt);
    const { trail, inventory, span, size } = job;
    const evidence = new Evidence(objects, job.oldest, this.#findings);
    const source = { trail, inventory, evidence, findings: this.#findings, span, size };
    this.#roots = new RootChecks(job, evidence, this.#findings);
    this.#tiles = new TileReader(source);
    this.#upper = new UpperTiles(source, this.#tiles);
    this.#tree = new TreeWalk(this.#upper);
    this.#reader = new LineReader(trail);
    this.#begun = new BegunTrails(trail);
    this.#heads = new HeadRecords(trail, job.witnessed);
    this.#segments = new SegmentStream({
      ...source,
      segments: inventory.segments,
      from: span.from,
      to: span.to,
      isLast: job.isLast,
      onSegment: (segment, bytes) => this.#endSegment(segment, bytes),
    });
  }

  async run(): Promise<ShardResult> {
    const { span } = this.#job;
    const start = await this.#begin();
    try {
      if (span.from === 0) await this.#checkEmpty();
      await this.#walk();
      await this.#segments.finish();
    } finally {
      await this.#segments.close();
    }
    const { bundles, tiles } = this.#tiles;
    return {
      span,
      start,
      end: { frontier: this.#tree.frontier, leaf: this.#leaf, receivedAt: this.#receivedAt },
      firstAt: this.#firstAt,
      records: this.#records,
      bytes: this.#bytes,
      objects: { segments: this.#segmentCount, bundles, tiles, checkpoints: this.#roots.checkpoints },
      problems: this.#findings.list(),
      counts: this.#findings.counts(),
      matched: this.#roots.matched,
      proven: this.#roots.proven,
      gap: this.#gap,
      mismatches: this.#roots.mismatches,
      signed: this.#roots.signed,
      timeline: this.#timeline.counts(),
      producers: this.#producers.seen(),
      actions: this.#actions.seen(),
      begun: this.#begun.list(),
      heads: this.#heads.seen(),
      timedAt: this.#timedAt,
    };
  }

  async #begin(): Promise<ChainState> {
    const { span, start } = this.#job;
    const state = start ?? (await this.#stateFromTiles(span.from));
    this.#tree.frontier = state.frontier;
    this.#leaf = state.leaf;
    this.#receivedAt = state.receivedAt;
    return state;
  }

  async #stateFromTiles(from: number): Promise<ChainState> {
    if (from === 0) return { frontier: EMPTY_FRONTIER, leaf: ZERO_HASH, receivedAt: undefined };
    const frontier = await this.#upper.frontier(from);
    const leaf = this.#job.isFirst ? undefined : await this.#upper.leafBefore(from);
    return { frontier, leaf, receivedAt: undefined };
  }

  /** A checkpoint of size 0 can be archived before there is a record. */
  async #checkEmpty(): Promise<void> {
    for (const claim of await this.#roots.claims(0, 0)) {
      this.#roots.compare(claim, EMPTY_ROOT, false);
    }
  }

  async #walk(): Promise<void> {
    const { from, to } = this.#job.span;
    const ahead: Fetched[] = [];
    let next = from;
    while (next < to || ahead.length > 0) {
      this.#options.signal?.throwIfAborted();
      while (next < to && ahead.length < READ_AHEAD) {
        const first = this.#nextWithEvidence(next);
        ahead.push(this.#fetch(next, first));
        next = first + TILE_WIDTH;
      }
      const fetched = ahead.shift();
      if (fetched !== undefined) await this.#checkCopies(fetched);
    }
  }

  /** The first record of the next tile of which the archive holds anything, so that no gap takes long to cross. */
  #nextWithEvidence(first: number): number {
    const { inventory, span } = this.#job;
    const index = first / TILE_WIDTH;
    const lastUnit = Math.floor((span.to - 1) / TILE_WIDTH);
    const { segments, bundles, tiles, partials } = inventory;
    if (partials.has(partialPlace('entries', index)) || partials.has(partialPlace(0, index))) return first;
    const candidates = [
      Math.floor((segments.next(first) ?? span.to) / TILE_WIDTH),
      bundles.next(index) ?? lastUnit,
      tiles.get(0)?.next(index) ?? lastUnit,
    ];
    return Math.min(lastUnit, ...candidates) * TILE_WIDTH;
  }

  /** @param from where the tile before ended: claims between there and `first` lie in a gap, but are judged as well */
  #fetch(from: number, first: number): Fetched {
    const index = first / TILE_WIDTH;
    const end = Math.min(first + TILE_WIDTH, this.#job.span.to);
    const fetched = {
      first,
      bundles: this.#tiles.bundleCopies(index),
      tiles: this.#tiles.tileCopies(0, index),
      claims: this.#roots.claims(from + 1, end),
    };
    // Awaited later; until then a failure is not unhandled.
    for (const promise of [fetched.bundles, fetched.tiles, fetched.claims]) promise.catch(() => undefined);
    return fetched;
  }

  async #checkCopies(fetched: Fetched): Promise<void> {
    const { trail, span } = this.#job;
    const { first } = fetched;
    const index = first / TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, span.to - first);
    const skips = this.#at !== first;
    if (skips) this.#skip(first);
    // Behind a gap the tiles may help, at once or where the next tile above begins.
    const mayResume = skips || index % TILE_WIDTH === 0;
    if (this.#tree.frontier === undefined && mayResume) this.#tree.frontier = await this.#upper.frontier(first);
    const [bundles, tiles, claims] = await Promise.all([fetched.bundles, fetched.tiles, fetched.claims]);
    const subtree = width === TILE_WIDTH ? await this.#upper.hash(1, index) : undefined;
    const lines = await this.#segments.take(width);
    const copies = { trail, first, lines, bundles, tiles, subtree };
    const reconciled = reconcileCopies(copies, this.#reader, this.#findings);
    this.#checkChain(first, reconciled);
    const onRoot: OnRoot = (claim, root) => this.#onRoot(claim, root, first, reconciled.lines);
    await this.#tree.add(first, reconciled.row, reconciled.known, claims, subtree, onRoot);
    this.#at = first + width;
    this.#options.onRecords?.(width, this.#findings.total);
  }

  /** Over records of which nothing is left. */
  #skip(to: number): void {
    this.#gap ??= this.#at;
    this.#tree.frontier = undefined;
    this.#leaf = undefined;
    this.#segments.skipTo(to);
  }

  /** Each record names the one before it, and time does not run backwards. */
  #checkChain(first: number, { row, known, lines }: Reconciled): void {
    let before: Uint8Array | undefined = this.#leaf;
    let at = 0;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      if (line === undefined) this.#gap ??= first + i;
      else {
        this.#records += 1;
        this.#bytes += line.length;
        if (line.seq !== UNREADABLE) {
          this.#checkTime(first + i, line);
          this.#producers.add(line, first + i);
          this.#actions.add(line, first + i);
          this.#begun.add(line);
          this.#heads.add(line);
          if (this.#timesAt.has(first + i)) this.#timedAt.set(first + i, line.receivedAt);
          if (before !== undefined && !namesPrevious(line, before, at)) this.#reportBroken(first + i, line);
        }
      }
      // Behind a lost record nothing is known until the next one that is not.
      before = i < known || !isLost(row, i) ? row : undefined;
      at = i * HASH_BYTES;
    }
    this.#leaf = before?.subarray(at, at + HASH_BYTES);
  }

  #reportBroken(seq: number, { object }: Line): void {
    const message = 'prev is not the hash of the record before';
    this.#findings.add({ kind: 'broken_chain', trail: this.#job.trail, object, seq, message });
  }

  #checkTime(seq: number, { receivedAt, object }: Line): void {
    const { trail } = this.#job;
    this.#firstAt ??= receivedAt;
    this.#timeline.addRecord(receivedAt);
    if (this.#receivedAt !== undefined && receivedAt < this.#receivedAt) {
      const message = `received at ${receivedAt}, before a record that precedes it (${this.#receivedAt})`;
      this.#findings.add({ kind: 'time_reversed', trail, object, seq, message });
    }
    this.#receivedAt = receivedAt;
  }

  #onRoot(claim: RootClaim, root: Hash, first: number, lines: readonly (Line | undefined)[]): void {
    this.#roots.compare(claim, root, this.#gap !== undefined && this.#gap < claim.size);
    const receivedAt = lines[claim.size - first - 1]?.receivedAt ?? UNREADABLE;
    if (receivedAt !== UNREADABLE && claim.source === 'archived') this.#timeline.addCheckpoint(receivedAt);
  }

  /** A run of the archiver ends with a checkpoint; within a run a segment ends when the day does, or when it is full. */
  #endSegment({ first, last, day }: SegmentName, bytes: number): void {
    this.#segmentCount += 1;
    const { trail, inventory, size, segmentLimits } = this.#job;
    const end = last + 1;
    if (end >= size || this.#roots.has(end)) return;
    const [next] = inventory.segments.overlapping(end, end + 1);
    const isFull = end - first >= segmentLimits.records || bytes + MAX_RECORD_BYTES + 1 > segmentLimits.bytes;
    if (next === undefined || next.day !== day || isFull) return;
    const message = `a segment ends at record ${last}, so a checkpoint of size ${end} was archived; it is gone`;
    this.#findings.add({ kind: 'missing_checkpoint', trail, object: checkpointName(trail, end), seq: last, message });
  }
}

/** True if the hash of a record is lost: no leaf hashes to zeros. */
function isLost(row: Buffer, at: number): boolean {
  for (let i = at * HASH_BYTES; i < (at + 1) * HASH_BYTES; i++) if (row[i] !== 0) return false;
  return true;
}
