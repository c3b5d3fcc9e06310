import type { SealedEvent } from '../contract/receipt.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { toBase64, toHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { type Hash, sameBytes } from '../log/hash.ts';
import { parseNote, type Verifier } from '../log/note.ts';
import { parseRecord } from '../log/record.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Retry, Signer, Table } from '../store/ports.ts';
import { type AppendRequest, checkRequest, submissionOf } from './append-request.ts';
import type { ArchivedRecords } from './archived-records.ts';
import { readBlocks, readRecord } from './blocks.ts';
import { Checkpoints, type StoredCheckpoint } from './checkpoints.ts';
import { ClockWatch } from './clock-watch.ts';
import { type Commit, readHead } from './commit.ts';
import { CommitQueue } from './commit-queue.ts';
import type { History } from './history.ts';
import { type Block, buildBlock, lastLeaf, type RecordRange } from './items/block.ts';
import type { Head } from './items/head.ts';
import { TRAILS_PARTITION } from './items/layout.ts';
import { Repetitions } from './items/repetitions.ts';
import { runOf } from './items/submission.ts';
import type { Pace } from './line.ts';
import { type LedgerReceipt, receiptOf } from './receipt.ts';
import { blockNodes } from './tree/block-nodes.ts';
import { provenRange } from './tree/proven.ts';
import type { FoundBlock } from './wait.ts';

/** The dependencies of a ledger. */
export interface LedgerOptions {
  readonly table: Table;
  /** Keys that sign each checkpoint: at least one, unless nothing is signed or verified here. */
  readonly signers: readonly Signer[];
  /** True if appends are signed here; otherwise they are left to the sealer. @default true */
  readonly signs?: boolean;
  /** The log's name, such as `audit.example.com`: the first part of every checkpoint's origin. */
  readonly logName: string;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** Called after each commit, so that followers need not wait for their schedule. Must not throw. */
  readonly onCommit?: (trail: string, size: number, sealed: CommittedEvents) => void;
  /** Called for each head that was signed, with the milliseconds that it stood without a signature. Must not throw. */
  readonly onSigned?: (trail: string, waitedMs: number) => void;
  /** Called for each try of a commit that is followed by another. Must not throw. */
  readonly onRetry?: (trail: string, retry: Retry) => void;
  /** Called when a trail's time is ahead of the clock, once until it is over: see {@link ClockWatch}. Must not throw. */
  readonly onClockBehind?: (error: SealtrailError, trail: string) => void;
  /** Called when a head could not be signed at once; the append stands and the sealer tries again. Must not throw. */
  readonly onUnsealed?: (trail: string, reason: unknown) => void;
  /** Where tree nodes for proofs come from. @default the trail's blocks, all of them, which is slow on long trails. */
  readonly nodes?: (trail: string) => NodeReader;
  /** Where records are read that have left the hot store. @default they cannot be read */
  readonly archive?: ArchivedRecords;
  /** Keeps the log from appending to a trail that contradicts its archive. @default nothing does */
  readonly history?: History;
  /** True if repetitions are looked for in trails that were rebuilt: see {@link Repetitions}. @default false, which costs nothing */
  readonly seeksRepetitions?: boolean;
  /** How long things take where several processes append to one trail. @default {@link PACE} */
  readonly pace?: Pace;
}

/** Some of all trails. */
export interface TrailRange {
  /** Those whose names come after this one. */
  readonly after?: string;
  /** Those whose names begin so. */
  readonly prefix?: string;
}

/** The events of one commit. */
export interface CommittedEvents {
  readonly events: number;
  /** Of their canonical JSON, with line feeds in between. */
  readonly bytes: number;
}

/** The log itself: appends, and reads what was appended. All trails of one deployment. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #table: Table;
  readonly #checkpoints: Checkpoints;
  readonly #queues = new Map<string, CommitQueue>();
  readonly #reported = new WeakSet<Commit>();
  /** Of each commit the checkpoint that it was given, or will be. */
  readonly #signed = new WeakMap<Commit, Promise<StoredCheckpoint | undefined>>();
  readonly #clock: ClockWatch;
  readonly #repetitions: Repetitions | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #signing = new Set<Promise<StoredCheckpoint | undefined>>();
  #closed = false;

  constructor(options: LedgerOptions) {
    if (options.signers.length === 0 && options.signs !== false)
      throw new RangeError('a ledger needs at least one signer');
    this.#options = options;
    this.#table = options.table;
    const { now = Date.now } = options;
    this.#clock = new ClockWatch(now, (error, trail) => options.onClockBehind?.(error, trail));
    const record = (trail: string, seq: number) => this.record(trail, seq);
    this.#repetitions = options.seeksRepetitions ? new Repetitions({ table: options.table, record, now }) : undefined;
    const onSigned = ({ trail, receivedAt }: Head): void => options.onSigned?.(trail, Math.max(0, now() - receivedAt));
    this.#checkpoints = new Checkpoints(options.table, options.signers, options.logName, onSigned);
  }

  /**
   * Seals events at the end of a trail, which its first append creates. When this resolves, the records are durable.
   *
   * @throws `invalid_trail`, `empty_batch`, `record_too_large`, `batch_too_large`: nothing was stored, and never will be.
   *   `idempotency_conflict`: the key was used with another body. `rate_limited`: more is appended to the trail than it can
   *   take. `throttled`, `unavailable`, `store_full`: nothing was stored; try again. `outcome_unknown`: it may have been
   *   stored; the same key finds out. `history_conflict`: the trail contradicts its archive, and takes nothing until that is
   *   mended; nothing was stored.
   */
  async append(request: AppendRequest): Promise<LedgerReceipt> {
    this.#checkOpen();
    checkRequest(request);
    return this.#finished(this.#append(request));
  }

  async #append(request: AppendRequest): Promise<LedgerReceipt> {
    await this.assertOneHistory(request.trail);
    const repeated = request.idempotency && (await this.#repetitions?.landingOf(request));
    if (repeated !== undefined) return this.#recall(request, repeated, true);
    const landed = await this.#queue(request.trail).submit(submissionOf(request));
    if ('remembered' in landed) {
      const { remembered } = landed;
      if (remembered.bodyHash === request.idempotency?.bodyHash) return this.#recall(request, remembered, true);
      const message = 'this idempotency key was used with another body: use a new key for new events';
      throw new SealtrailError('idempotency_conflict', message);
    }
    if ('found' in landed) return this.#receiptFrom(request, landed.found, landed.first);
    const checkpoint = await this.#sealFor(request, landed.commit);
    return receiptOf(request, landed.commit, landed.first, checkpoint);
  }

  /**
   * Makes events durable that are to be sealed, and does not wait for that where others append to the trail: they then get their
   * numbers within a second or so, from any process that appends to the trail or drains it. For records that no one waits for.
   *
   * @throws as {@link append}, but for `rate_limited`
   */
  async leave(request: AppendRequest): Promise<void> {
    this.#checkOpen();
    checkRequest(request);
    return this.#finished(this.#leave(request));
  }

  async #leave(request: AppendRequest): Promise<void> {
    await this.assertOneHistory(request.trail);
    const landed = await this.#queue(request.trail).leave(submissionOf(request));
    if (landed !== undefined && 'commit' in landed) await this.#sealFor(request, landed.commit);
  }

  /** Seals what {@link leave} has left in a trail and no process has sealed yet. */
  async drain(trail: string, signal?: AbortSignal): Promise<void> {
    this.#checkOpen();
    await this.assertOneHistory(trail);
    await this.#queue(trail).drain(signal);
  }

  /** A trail's head, or undefined where the trail has no record. */
  async head(trail: string): Promise<Head | undefined> {
    const head = await readHead(this.#table, trail);
    return head.size === 0 ? undefined : head;
  }

  /**
   * The names of all trails, in ascending order of their bytes.
   *
   * @param range only those that begin with `prefix` and come after the name `after`
   */
  async *trails({ after, prefix = '' }: TrailRange = {}): AsyncGenerator<string, void, void> {
    // `!` sorts before, and `~` behind, every character of a name.
    const from = after === undefined || after < prefix ? prefix : `${after}!`;
    const range = { ...(from !== '' && { from }), ...(prefix !== '' && { to: `${prefix}~` }) };
    for await (const item of this.#table.query({ partition: TRAILS_PARTITION, ...range })) yield item.sort;
  }

  /** Every block that overlaps a range, whole, in order. See {@link readBlocks}. */
  blocks(trail: string, range: RecordRange): AsyncIterable<Block> {
    return readBlocks(this.#table, trail, range, this.#options.archive);
  }

  /** One record's line, or undefined beyond the trail's end. */
  record(trail: string, seq: number): Promise<string | undefined> {
    return readRecord(this.#table, trail, seq, this.#options.archive);
  }

  /** The newest checkpoint, or the smallest that covers at least `size` records. */
  checkpoint(trail: string, size?: number): Promise<StoredCheckpoint | undefined> {
    return this.#checkpoints.covering(trail, size);
  }

  /** The checkpoint of exactly `size` records, if one was ever signed. */
  exactCheckpoint(trail: string, size: number): Promise<StoredCheckpoint | undefined> {
    return this.#checkpoints.at(trail, size);
  }

  /**
   * Signs the trail's head unless it has a checkpoint. Undefined where the trail has no record.
   *
   * @throws `history_conflict`, `signer_unavailable` and the Table's errors
   */
  async seal(trail: string): Promise<StoredCheckpoint | undefined> {
    await this.assertOneHistory(trail);
    return this.#checkpoints.seal(trail);
  }

  /** @throws `history_conflict`: see {@link History.assertOne} */
  async assertOneHistory(trail: string): Promise<void> {
    await this.#options.history?.assertOne(trail, this.#checkpoints);
  }

  /** The public keys that sign a trail's checkpoints. */
  verifiers(trail: string): Promise<readonly Verifier[]> {
    return this.#checkpoints.verifiers(trail);
  }

  /** The origin line of a trail's checkpoints. */
  origin(trail: string): string {
    return this.#checkpoints.origin(trail);
  }

  /** Refuses new appends and resolves once those under way are answered. Does not close the table. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    await Promise.all([...this.#queues.values()].map((queue) => queue.idle()));
    await Promise.all(this.#signing);
  }

  /** Has `close` wait for work. */
  async #finished<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', 'the log is shutting down', { retryAfter: 1 });
  }

  #queue(trail: string): CommitQueue {
    const known = this.#queues.get(trail);
    if (known !== undefined) return known;
    const { table, now = Date.now, onRetry, pace } = this.#options;
    const queue = new CommitQueue({
      ...{ table, trail, now, pace },
      onRetry: (retry) => onRetry?.(trail, retry),
      onCombined: (commit) => {
        this.#tell(commit);
        return this.#seal(commit);
      },
    });
    this.#queues.set(trail, queue);
    return queue;
  }

  async #sealFor(request: AppendRequest, commit: Commit): Promise<StoredCheckpoint | undefined> {
    this.#tell(commit);
    if (request.seal === 'later') return undefined;
    const sealing = this.#seal(commit);
    return request.wait === false ? undefined : sealing;
  }

  /** Tells of a commit, once for all the submissions in it. */
  #tell(commit: Commit): void {
    if (this.#reported.has(commit)) return;
    this.#reported.add(commit);
    const { trail, size } = commit.head;
    this.#options.onCommit?.(trail, size, { events: commit.block?.count ?? 0, bytes: commit.bytes });
    this.#clock.check(commit.head);
  }

  /** Signs a commit's head once, for all the submissions in it. Undefined when signing failed: the sealer's turn. */
  #seal(commit: Commit): Promise<StoredCheckpoint | undefined> {
    const known = this.#signed.get(commit);
    if (known !== undefined) return known;
    const signing = this.#unlessUnsealed(commit.head.trail, () => this.#checkpoints.sign(commit.head));
    this.#signed.set(commit, signing);
    this.#signing.add(signing);
    void signing.finally(() => this.#signing.delete(signing));
    return signing;
  }

  async #unlessUnsealed(
    trail: string,
    sign: () => Promise<StoredCheckpoint | undefined>,
  ): Promise<StoredCheckpoint | undefined> {
    if (this.#options.signs === false) return undefined;
    try {
      return await sign();
    } catch (reason) {
      this.#options.onUnsealed?.(trail, reason);
      return undefined;
    }
  }

  /** The receipt of events that another process has sealed, under its checkpoint. */
  async #receiptFrom(request: AppendRequest, found: FoundBlock, first: number): Promise<LedgerReceipt> {
    const { trail, events } = request;
    assertSubmitted(request, found.block, first);
    if (request.seal === 'later' || request.wait === false) return receiptOf(request, found, first, undefined);
    const { size } = found.growth.frontier;
    const checkpoint = await this.#checkpoints.soonAt(trail, size);
    if (checkpoint === undefined) {
      // The process that sealed them could not sign, or is gone.
      await this.#unlessUnsealed(trail, () => this.#checkpoints.seal(trail));
      return this.#recall(request, { first, count: events.length }, false);
    }
    const { root } = parseCheckpoint(parseNote(checkpoint.note).text);
    if (!sameBytes(root, found.growth.root)) {
      throw new SealtrailError(
        'store_corrupt',
        `the checkpoint of size ${size} of trail ${trail} is not of its records`,
      );
    }
    return receiptOf(request, found, first, checkpoint);
  }

  /** The receipt of events that were sealed before, from what the ledger holds of them. */
  async #recall(
    { trail }: AppendRequest,
    { first, count }: { readonly first: number; readonly count: number },
    replayed: boolean,
  ): Promise<LedgerReceipt> {
    const events: SealedEvent[] = [];
    const lines: string[] = [];
    const leaves: Hash[] = [];
    let receivedAt = 0;
    for await (const block of this.blocks(trail, { from: first, to: first + count })) {
      receivedAt = block.receivedAt;
      for (let seq = Math.max(first, block.first); seq < Math.min(first + count, block.first + block.count); seq++) {
        const line = block.lines[seq - block.first];
        const leaf = block.leaves[seq - block.first];
        if (line === undefined || leaf === undefined) throw new RangeError('a block shorter than it says');
        lines.push(line);
        leaves.push(leaf);
        events.push({ seq, id: idOf(line), hash: toHex(leaf) });
      }
    }
    const receipt = { trail, first, count, receivedAt, events, lines, replayed };
    const checkpoint = await this.#checkpoints.covering(trail, first + count);
    if (checkpoint === undefined) return { ...receipt, sealed: false };
    const nodes = this.#options.nodes?.(trail) ?? blockNodes(this, trail);
    const root = parseCheckpoint(parseNote(checkpoint.note).text);
    const proof = await provenRange(nodes, leaves, first, root).catch(unlessArchived);
    // Who may not read the archive cannot prove across what has gone there. The proof can be asked for elsewhere.
    if (proof === undefined) return { ...receipt, sealed: false };
    return { ...receipt, sealed: true, checkpoint: checkpoint.note, proof: proof.map(toBase64) };
  }
}

/** @throws `store_corrupt` where what was sealed from `first` on is not what was submitted */
function assertSubmitted(request: AppendRequest, block: Block, first: number): void {
  const { trail, receivedAt } = block;
  const at = first - block.first;
  const prev = at === 0 ? block.prev : block.leaves[at - 1];
  const last = block.leaves[at + request.events.length - 1];
  if (prev !== undefined && last !== undefined) {
    const expected = buildBlock({ trail, first, prev, receivedAt }, [runOf(request)]);
    if (sameBytes(lastLeaf(expected), last)) return;
  }
  throw new SealtrailError('store_corrupt', `what trail ${trail} holds from ${first} on is not what was submitted`);
}

function unlessArchived(error: unknown): undefined {
  if (!(error instanceof SealtrailError) || error.code !== 'records_archived') throw error;
}

function idOf(line: string): string {
  return String(parseRecord(line).event.id);
}
