import type { Frontier } from '../../log/frontier.ts';
import { type Hash, sameBytes } from '../../log/hash.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import { segmentKey } from '../evidence/segment-index.ts';
import type { Findings } from '../report/findings.ts';
import type { ObjectCounts } from '../report/report.ts';
import type { TimelineCounter } from '../report/timeline.ts';
import { type ConflictRecord, type HeadsSeen, type JoinedHeads, joinStated, type StatedHeads } from './head-records.ts';
import { OpenActions } from './open-actions.ts';
import { Producers } from './producer-order.ts';
import type { ChainState, Mismatch, ShardJob, ShardResult } from './shard-job.ts';

/** Carries out a job, here or in a worker. */
export type RunShard = (job: ShardJob) => Promise<ShardResult>;

/** The result of the spans of a trail together. */
export interface JoinedSpans {
  readonly records: number;
  readonly bytes: number;
  readonly objects: ObjectCounts;
  /** See {@link ShardResult}. */
  readonly matched: number | undefined;
  readonly proven: number | undefined;
  readonly mismatches: readonly Mismatch[];
  readonly signed: ReadonlyMap<number, number>;
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  /** True if there are records of which no line is left that fits. */
  readonly hasHole: boolean;
  readonly producers: Producers;
  readonly actions: OpenActions;
  /** See {@link ShardResult}. */
  readonly begun: ReadonlySet<string>;
  /** The statements of records on heads and witnesses. */
  readonly heads: JoinedHeads;
  /** When the records were received whose times were wanted, Unix milliseconds. */
  readonly timedAt: ReadonlyMap<number, number>;
}

/** Fewer records than this are not worth a span of their own. */
const MIN_SHARD_RECORDS = 65_536;

/**
 * Cuts a job into at most `parts` jobs. They are cut where a segment begins, so that hardly a record is unpacked twice.
 */
export function splitJob(job: ShardJob, parts: number): ShardJob[] {
  const { span, inventory, isLast } = job;
  const step = Math.max(MIN_SHARD_RECORDS, Math.ceil((span.to - span.from) / Math.max(1, parts)));
  const cuts: number[] = [span.from];
  for (let target = span.from + step; target + MIN_SHARD_RECORDS / 2 < span.to; target += step) {
    const [segment] = inventory.segments.overlapping(target, target + 1);
    const cut = Math.ceil((segment?.first ?? target) / TILE_WIDTH) * TILE_WIDTH;
    if (cut > (cuts.at(-1) ?? 0) && cut < span.to) cuts.push(cut);
  }
  return cuts.map((from, at) => {
    const to = cuts[at + 1] ?? span.to;
    const { start, ...rest } = job;
    const cut = { ...rest, span: { from, to }, isFirst: at === 0, isLast: isLast && to === span.to };
    return at === 0 && start !== undefined ? { ...cut, start } : cut;
  });
}

/**
 * Carries out the jobs of one trail, all at once if `run` can, and joins what they found. Each began on the word of the
 * tiles; where the records before say otherwise, it is done again on theirs.
 */
export async function verifySpans(
  jobs: readonly ShardJob[],
  run: RunShard,
  findings: Findings,
  timeline: TimelineCounter,
): Promise<JoinedSpans> {
  const running = jobs.map((job) => ({ job, first: run(job) }));
  for (const { first } of running) first.catch(() => undefined); // awaited below; until then not unhandled
  const joining = new Joining(findings, timeline);
  for (const { job, first } of running) {
    const result = await first;
    const before = joining.end;
    const mustRepeat = before !== undefined && job.start === undefined && differs(before, result.start);
    joining.add(job, mustRepeat ? await run({ ...job, start: before }) : result, mustRepeat);
  }
  return joining.joined();
}

/** True if a span began with something else than the one before ended with. What is not known differs from nothing. */
function differs(end: ChainState, start: ChainState): boolean {
  const frontiers = end.frontier !== undefined && !sameFrontier(end.frontier, start.frontier);
  return frontiers || (end.leaf !== undefined && !sameHash(end.leaf, start.leaf));
}

function sameFrontier(a: Frontier, b: Frontier | undefined): boolean {
  return b !== undefined && a.size === b.size && a.nodes.every((node, at) => sameHash(node, b.nodes[at]));
}

const sameHash = (a: Hash, b: Hash | undefined): boolean => b !== undefined && sameBytes(a, b);

class Joining {
  readonly #findings: Findings;
  readonly #timeline: TimelineCounter;
  readonly #mismatches: Mismatch[] = [];
  readonly #signed = new Map<number, number>();
  #objects: ObjectCounts = { segments: 0, bundles: 0, tiles: 0, checkpoints: 0 };
  readonly #producers = new Producers();
  readonly #actions = new OpenActions();
  readonly #begun = new Set<string>();
  readonly #stated = new Map<string, StatedHeads>();
  readonly #conflicts: ConflictRecord[] = [];
  readonly #forked: HeadsSeen['forked'][number][] = [];
  readonly #timedAt = new Map<number, number>();
  #records = 0;
  #bytes = 0;
  #matched: number | undefined;
  #proven: number | undefined;
  #lost = false;
  #firstAt: number | undefined;
  #lastAt: number | undefined;
  /** The state at the end of the last shard. */
  end: ChainState | undefined;

  constructor(findings: Findings, timeline: TimelineCounter) {
    this.#findings = findings;
    this.#timeline = timeline;
  }

  add(job: ShardJob, result: ShardResult, knewTime: boolean): void {
    this.#findings.merge(result.problems, result.counts);
    this.#timeline.merge(result.timeline);
    this.#producers.join(result.producers);
    this.#actions.join(result.actions);
    for (const trail of result.begun) this.#begun.add(trail);
    this.#joinHeads(result.heads);
    for (const [seq, time] of result.timedAt) this.#timedAt.set(seq, time);
    for (const mismatch of result.mismatches) {
      this.#mismatches.push({ ...mismatch, after: mismatch.after ?? this.#matched });
    }
    for (const [keyId, count] of result.signed) this.#signed.set(keyId, (this.#signed.get(keyId) ?? 0) + count);
    this.#records += result.records;
    this.#bytes += result.bytes;
    this.#objects = sum(this.#objects, result.objects);
    this.#matched = result.matched ?? this.#matched;
    if (!this.#lost) this.#proven = result.proven ?? this.#proven;
    this.#lost ||= result.gap !== undefined;
    if (!knewTime) this.#checkTime(job, result.firstAt);
    this.#firstAt ??= result.firstAt;
    this.#lastAt = result.end.receivedAt ?? this.#lastAt;
    this.end = { ...result.end, receivedAt: this.#lastAt };
  }

  joined(): JoinedSpans {
    return {
      records: this.#records,
      bytes: this.#bytes,
      objects: this.#objects,
      matched: this.#matched,
      proven: this.#proven,
      mismatches: this.#mismatches,
      signed: this.#signed,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      hasHole: this.#lost,
      producers: this.#producers,
      actions: this.#actions,
      begun: this.#begun,
      heads: { stated: this.#stated, conflicts: this.#conflicts, forked: this.#forked },
      timedAt: this.#timedAt,
    };
  }

  #joinHeads({ stated, conflicts, forked }: HeadsSeen): void {
    for (const heads of stated) {
      const { trail } = heads.newest;
      const { joined, fork } = joinStated(this.#stated.get(trail), heads);
      this.#stated.set(trail, joined);
      if (fork !== undefined) this.#forked.push(fork);
    }
    this.#conflicts.push(...conflicts);
    this.#forked.push(...forked);
  }

  /** Time does not run backwards from one span to the next either. */
  #checkTime({ trail, span, inventory, start }: ShardJob, firstAt: number | undefined): void {
    if (start !== undefined || firstAt === undefined || this.#lastAt === undefined || firstAt >= this.#lastAt) return;
    const [segment] = inventory.segments.overlapping(span.from, span.from + 1);
    const message = `received at ${firstAt}, before the record that precedes it (${this.#lastAt})`;
    const where = segment === undefined ? {} : { object: segmentKey(trail, segment) };
    this.#findings.add({ kind: 'time_reversed', trail, ...where, seq: span.from, message });
  }
}

function sum(a: ObjectCounts, b: ObjectCounts): ObjectCounts {
  return {
    segments: a.segments + b.segments,
    bundles: a.bundles + b.bundles,
    tiles: a.tiles + b.tiles,
    checkpoints: a.checkpoints + b.checkpoints,
  };
}
