import { defined } from '../../base/defined.ts';
import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { checkpointName, newestCheckpointName } from '../../log/archive.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { futureTime, MAX_CLOCK_AHEAD_MS } from '../../log/record.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import { judgeTimestamps, readTimestamps, type Stamped, timesWanted } from '../attested/timestamps.ts';
import { readWitnessed, type WitnessedCheckpoint } from '../attested/witnessed.ts';
import { Evidence, readOutcome } from '../evidence/evidence.ts';
import type { TrailInventory } from '../evidence/inventory.ts';
import { hasSize } from '../evidence/lower-bound.ts';
import { parseArchiveName } from '../evidence/object-names.ts';
import { judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import { keyIdText, keysOfTrail, type TrailKey } from '../evidence/trust.ts';
import { Findings } from '../report/findings.ts';
import { isNote, PROBLEM_KINDS, type ProblemKind } from '../report/problem.ts';
import type { Coverage, ProducerCounts, Skipped, Span, TimestampCounts, Verdict } from '../report/report.ts';
import { TimelineCounter } from '../report/timeline.ts';
import { type JoinedSpans, splitJob, verifySpans } from '../shards/join-shards.ts';
import { MAX_ACTIONS } from '../shards/open-actions.ts';
import { MAX_PRODUCERS } from '../shards/producer-order.ts';
import type { Claim, Mismatch, ShardJob } from '../shards/shard-job.ts';
import { mismatchProblem } from './mismatch.ts';
import { findNewest, readSealed } from './newest.ts';
import { beyond, reportMissing, reportSeals } from './presence.ts';
import type { TrailContext, TrailOutcome } from './trail-outcome.ts';

/** Verifies one trail of an archive. */
export async function verifyTrail(inventory: TrailInventory, context: TrailContext): Promise<TrailOutcome> {
  return new TrailVerification(inventory, context).run();
}

class TrailVerification {
  readonly #inventory: TrailInventory;
  readonly #context: TrailContext;
  readonly #findings = new Findings();
  readonly #timeline = new TimelineCounter();
  readonly #evidence: Evidence;
  readonly #trusted: readonly TrailKey[];
  readonly #skipped: Skipped[] = [];
  readonly #contradicted = new Set<string>();
  /** Records that the newest checkpoint covers. */
  #size = 0;
  #newest: Checkpoint | undefined;
  #witnessed: WitnessedCheckpoint | undefined;
  /** Time-stamps that hold, over checkpoints within {@link #size}. */
  #stamped: readonly Stamped[] = [];

  constructor(inventory: TrailInventory, context: TrailContext) {
    this.#inventory = inventory;
    this.#context = context;
    this.#evidence = new Evidence(context.objects, context.oldest, this.#findings);
    this.#trusted = keysOfTrail(context.trust, context.origin, inventory.trail);
  }

  async run(): Promise<TrailOutcome> {
    this.#checkSubstance();
    const claims = await this.#findSize();
    const scope = await this.#scope();
    this.#context.onScope(scope.to - scope.from);
    reportMissing(this.#inventory, scope, this.#findings);
    const job = this.#job(scope, claims);
    const joined = await verifySpans(
      splitJob(job, this.#context.parts),
      this.#context.run,
      this.#findings,
      this.#timeline,
    );
    for (const mismatch of joined.mismatches) this.#reportMismatch(mismatch, joined.matched);
    if (this.#context.range === undefined) await this.#checkBeyond();
    this.#checkKeyFiles(joined.signed);
    this.#checkClock(scope, joined);
    const producers = this.#checkProducers(joined);
    this.#checkActions(joined);
    const own = this.#coverage(scope, joined);
    const timestamps = this.#judgeTimestamps(own.covered.to, joined.timedAt);
    const coverage = { ...own, ...defined({ producers, timestamps }) };
    const { signed, begun, heads, timedAt } = joined;
    const timeline = this.#timeline.counts();
    return {
      ...{ coverage, findings: this.#findings, skipped: this.#skipped, timeline, signed, begun, heads },
      contradicted: this.#contradicted,
      timedAt,
      ...defined({ witnessed: this.#witnessed }),
    };
  }

  #report(kind: ProblemKind, object: string, message: string, seq?: number, lastSeq?: number): void {
    const { trail } = this.#inventory;
    const where = { ...defined({ seq, lastSeq }) };
    this.#findings.add({ kind, trail, object, ...where, message });
  }

  #checkSubstance(): void {
    const { trail, checkpoints, newest } = this.#inventory;
    if (this.#trusted.length === 0) {
      this.#report(
        'no_trusted_key',
        `${trail}/`,
        'no key was given that is trusted for this trail, so nothing is proven',
      );
    }
    if (checkpoints.length === 0 && newest.length === 0) {
      this.#report('no_checkpoint', `${trail}/checkpoints/`, 'the archive holds no checkpoint of this trail');
    }
  }

  /** Finds how far the newest checkpoint reaches. @returns the roots that are claimed outside of `checkpoints/` */
  async #findSize(): Promise<readonly Claim[]> {
    const { origin, archiveKeys, previous } = this.#context;
    const inventory = this.#inventory;
    const expected = { origin, trusted: this.#trusted, known: archiveKeys };
    const sealed = await readSealed(inventory, this.#evidence, expected, this.#findings);
    const most = inventory.segments.end();
    const found = await findNewest(inventory, this.#evidence, expected, most, this.#findings);
    for (const known of [found, sealed.newest]) {
      if (known === undefined || (!known.trusted && known.checkpoint.size > most)) continue;
      if (known.checkpoint.size >= (this.#newest?.size ?? 0)) this.#newest = known.checkpoint;
    }
    this.#size = this.#newest?.size ?? most;
    if (this.#context.range === undefined) await this.#checkSeals(sealed.newest?.checkpoint.size);
    this.#witnessed = await readWitnessed(inventory, this.#evidence, expected, this.#context.policy, this.#findings);
    await this.#readTimestamps();
    for (const { object, size, source } of previous) {
      if (size <= this.#size) continue;
      if (source === 'stated' && (await this.#isSkipped(size))) continue;
      if (source === 'previous') this.#contradicted.add(object);
      const message = `the trail had ${size} records, and the archive proves ${this.#newest?.size ?? 0}; what was signed within the last minute may not be archived yet`;
      this.#report('rolled_back', object, message, this.#size);
    }
    return [...sealed.claims, ...previous].filter(({ size }) => size <= this.#size);
  }

  /** True if a head that `_heads` states was archived after the archive was listed. */
  async #isSkipped(size: number): Promise<boolean> {
    const now = await this.#sizeNow();
    if (now < size) return false;
    const records = { from: this.#size, to: now };
    this.#skipped.push({ trail: this.#inventory.trail, records, why: 'archived while the verification ran' });
    return true;
  }

  async #checkSeals(sealed: number | undefined): Promise<void> {
    const inventory = this.#inventory;
    const { trail, checkpoints, newest } = inventory;
    const has = (from: number, to: number): boolean => hasSize(checkpoints, from, to);
    if (sealed !== undefined && !has(sealed, sealed)) {
      const message = 'the checkpoint that was sealed last is not among the archived ones';
      this.#report('missing_checkpoint', checkpointName(trail, sealed), message);
    }
    const later = reportSeals(inventory, this.#size, sealed, has, this.#findings);
    const object = newestCheckpointName(trail);
    if (newest.length === 0) {
      if (checkpoints.length === 0) return;
      // The first seal may be under way. After it, the object is there for good.
      if (later.size > 1)
        this.#report('missing_checkpoint', object, 'the trail was sealed, but its newest seal is gone');
      else this.#report('stale_checkpoint', object, 'the trail has no sealed checkpoint yet, or it was removed');
      return;
    }
    if (sealed === undefined || later.size === 0 || (await this.#isSealedNow(Math.max(...later)))) return;
    const seals = [...later].sort((a, b) => a - b).join(', ');
    if (later.size > 1) {
      const message = `it is of size ${sealed}, but the partial tiles of later seals are there, at ${seals}`;
      this.#report('rolled_back', object, message, sealed);
    } else {
      const message = `it is of size ${sealed}, but partial tiles are there for size ${seals}: a seal was interrupted, or an older checkpoint was put back`;
      this.#report('stale_checkpoint', object, message, sealed);
    }
  }

  /** True if a seal that was under way has come to its end meanwhile. */
  async #isSealedNow(size: number): Promise<boolean> {
    const { origin, archiveKeys, objects } = this.#context;
    const bytes = await readOutcome(objects.get(newestCheckpointName(this.#inventory.trail)));
    if (!(bytes instanceof Uint8Array)) return false;
    const { checkpoint, trusted } = judgeCheckpoint(bytes, { origin, trusted: this.#trusted, known: archiveKeys });
    return trusted && checkpoint !== undefined && checkpoint.size >= size;
  }

  /** The records to be looked at: whole tiles, up to a checkpoint that covers what was asked for. */
  async #scope(): Promise<Span> {
    const { range, origin, archiveKeys } = this.#context;
    const { trail, checkpoints } = this.#inventory;
    if (range === undefined) return { from: 0, to: this.#size };
    const { from: first, to: end = this.#size } = range;
    if (first >= this.#size || end > this.#size) {
      const message = `${trail} has ${this.#size} records under its newest checkpoint: there is no record ${Math.max(first, end - 1)}`;
      throw new SealtrailError('usage', message);
    }
    // With the record before, so that the first one that was asked for is seen to follow it.
    const from = Math.floor(Math.max(0, first - 1) / TILE_WIDTH) * TILE_WIDTH;
    for (const size of checkpoints) {
      if (size < end || size > this.#size) continue;
      const bytes = await this.#evidence.read(checkpointName(trail, size), trail, 'missing_checkpoint');
      if (bytes === undefined) continue;
      if (judgeCheckpoint(bytes, { origin, size, trusted: this.#trusted, known: archiveKeys }).trusted) {
        return this.#limitTo({ from, to: size });
      }
    }
    return this.#limitTo({ from, to: this.#size });
  }

  #limitTo(scope: Span): Span {
    const { trail } = this.#inventory;
    const why = 'outside of the range that was asked for';
    if (scope.from > 0) this.#skipped.push({ trail, records: { from: 0, to: scope.from }, why });
    if (scope.to < this.#size) this.#skipped.push({ trail, records: { from: scope.to, to: this.#size }, why });
    this.#skipped.push({ trail, why: 'which seal is the newest, and what lies beyond the newest checkpoint' });
    return scope;
  }

  #job(span: Span, claims: readonly Claim[]): ShardJob {
    const { origin, oldest, trust, archiveKeys, segmentLimits } = this.#context;
    const inventory = this.#inventory;
    const unwitnessed = inventory.trail === HEADS_TRAIL ? (this.#witnessed?.size ?? 0) : this.#context.timeAt;
    return {
      trail: inventory.trail,
      origin,
      span,
      size: this.#size,
      isFirst: true,
      isLast: true,
      inventory,
      oldest,
      trust,
      archiveKeys: archiveKeys.map(({ spki }) => spki),
      claims,
      segmentLimits,
      witnessed: this.#witnessed?.size ?? 0,
      timesAt: [...(unwitnessed === undefined ? [] : [unwitnessed]), ...timesWanted(this.#stamped)],
    };
  }

  /** Time-stamps are of whole trails: a range may have none. */
  async #readTimestamps(): Promise<void> {
    const { range, authorities } = this.#context;
    if (range !== undefined) return;
    const held = await readTimestamps(this.#inventory, this.#evidence, authorities, this.#findings);
    this.#stamped = held.filter(({ size }) => size <= this.#size);
  }

  #judgeTimestamps(size: number, timedAt: ReadonlyMap<number, number>): TimestampCounts | undefined {
    const { trail, timestamps } = this.#inventory;
    if (this.#context.range !== undefined) return undefined;
    const isAsked = this.#context.authorities !== undefined;
    const judged = { trail, stamped: this.#stamped, found: timestamps.length, size, timedAt, isAsked };
    const { problems, skipped, counts } = judgeTimestamps(judged, Date.now());
    for (const problem of problems) this.#findings.add(problem);
    this.#skipped.push(...skipped);
    return counts;
  }

  #reportMismatch(mismatch: Mismatch, matched: number | undefined): void {
    const { kind, message, seq, lastSeq } = mismatchProblem(mismatch, matched);
    if (mismatch.source === 'previous') this.#contradicted.add(mismatch.object);
    this.#report(kind, mismatch.object, message, seq, lastSeq);
  }

  /** Objects beyond the newest checkpoint: an archiver at work, one that was interrupted, or a planted object. */
  async #checkBeyond(): Promise<void> {
    const items = [...beyond(this.#inventory, this.#size)];
    if (items.length === 0) return;
    const now = await this.#sizeNow();
    for (const { object, first, end } of items) {
      if (end <= now) continue;
      // No one else reads it, and a link in its place is no archiver at work.
      if ((await readOutcome(this.#context.objects.get(object))) === 'link') {
        this.#report('symbolic_link', object, 'this is a link or a special file', Math.max(first, this.#size));
        continue;
      }
      const message = `it reaches beyond the newest checkpoint, of size ${this.#size}, and is not covered by any`;
      this.#report('beyond_checkpoint', object, message, Math.max(first, this.#size), end - 1);
    }
    if (now <= this.#size) return;
    const records = { from: this.#size, to: now };
    this.#skipped.push({ trail: this.#inventory.trail, records, why: 'archived while the verification ran' });
  }

  /** The size of the newest trusted checkpoint that has been archived by now. */
  async #sizeNow(): Promise<number> {
    const { origin, archiveKeys } = this.#context;
    const { trail } = this.#inventory;
    const sizes = await this.#listNewer();
    for (const size of sizes.sort((a, b) => b - a)) {
      const bytes = await this.#evidence.read(checkpointName(trail, size), trail);
      const expected = { origin, size, trusted: this.#trusted, known: archiveKeys };
      if (bytes !== undefined && judgeCheckpoint(bytes, expected).trusted) return size;
    }
    return this.#size;
  }

  /** Sizes of the checkpoints that are listed by now and larger than the newest that was believed. */
  async #listNewer(): Promise<number[]> {
    const sizes: number[] = [];
    try {
      for await (const { key } of this.#context.objects.list(`${this.#inventory.trail}/checkpoints/`)) {
        const name = parseArchiveName(key);
        if (name.kind === 'checkpoint' && name.size > this.#size) sizes.push(name.size);
      }
    } catch (error) {
      // A link in place of the folder has been reported; there is nothing newer behind it.
      if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
    }
    return sizes;
  }

  #checkKeyFiles(signed: ReadonlyMap<number, number>): void {
    for (const keyId of signed.keys()) {
      const id = keyIdText(keyId);
      if (this.#context.keyFiles.has(id)) continue;
      this.#report('missing_key', `keys/${id}.vkey`, 'a key that signed checkpoints is not in the archive');
    }
  }

  /** Events that arrived late may be anywhere: what is missing can be said of a whole trail only. */
  #checkProducers({ producers, hasHole }: JoinedSpans): ProducerCounts | undefined {
    const { trail } = this.#inventory;
    const counts = producers.counts();
    if (counts === undefined) return undefined;
    const { malformed_record, not_canonical } = this.#findings.counts();
    const isUnread = hasHole || malformed_record !== undefined || not_canonical !== undefined;
    if (isUnread || this.#context.range !== undefined) {
      const because = isUnread ? 'records are missing or damaged' : 'it takes all records to know';
      this.#skipped.push({ trail, why: `which events its producers numbered and are not there: ${because}` });
      return undefined;
    }
    for (const problem of producers.problems(trail)) this.#findings.add(problem);
    if (counts.unfollowed !== undefined) {
      const why = `${counts.unfollowed} numbered events of producers beyond the first ${MAX_PRODUCERS}`;
      this.#skipped.push({ trail, why });
    }
    return counts;
  }

  /** An outcome may be anywhere behind its request: what has none can be said of a whole trail only. */
  #checkActions({ actions, hasHole }: JoinedSpans): void {
    const { trail } = this.#inventory;
    if (hasHole || this.#context.range !== undefined) return;
    if (actions.isLost) {
      this.#skipped.push({
        trail,
        why: `which actions have no outcome: there are more than ${MAX_ACTIONS} to follow`,
      });
      return;
    }
    for (const problem of actions.problems(trail)) this.#findings.add(problem);
  }

  /** No record can have been received after now. */
  #checkClock({ to }: Span, { lastAt }: JoinedSpans): void {
    const now = Date.now();
    if (lastAt === undefined || lastAt - now <= MAX_CLOCK_AHEAD_MS) return;
    this.#report('future_time', `${this.#inventory.trail}/records/`, futureTime(to - 1, lastAt, now), to - 1);
  }

  #coverage(scope: Span, joined: JoinedSpans): Coverage {
    const { trail } = this.#inventory;
    const to = Math.max(scope.from, joined.proven ?? 0);
    if (to < scope.to && verdictOf(this.#findings.kinds()) === 'ok') {
      const message = `records ${to} to ${scope.to - 1} were not found under a trusted checkpoint`;
      this.#report('no_checkpoint', `${trail}/checkpoints/`, message, to, scope.to - 1);
    }
    const newest = this.#newest;
    const isProven = newest !== undefined && joined.matched === newest.size;
    return {
      trail,
      verdict: verdictOf(this.#findings.kinds()),
      origin: this.#context.origin,
      ...(isProven ? { newest: { size: newest.size, root: toHex(newest.root) } } : {}),
      covered: { from: scope.from, to },
      proven: to - scope.from,
      records: joined.records,
      bytes: joined.bytes,
      objects: joined.objects,
      checkpointsChecked: joined.objects.checkpoints,
      ...(joined.firstAt === undefined ? {} : { firstAt: joined.firstAt }),
      ...(joined.lastAt === undefined ? {} : { lastAt: joined.lastAt }),
    };
  }
}

/** The verdict that some problems leave. */
export function verdictOf(kinds: readonly ProblemKind[]): Verdict {
  if (kinds.every(isNote)) return 'ok';
  return kinds.some((kind) => PROBLEM_KINDS[kind] === 'damage') ? 'damaged' : 'incomplete';
}
