import type { Block } from '../../ledger/items/block.ts';
import type { Head } from '../../ledger/items/head.ts';
import { checkpointPartition, sortableNumber } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import { appendLeaves, encodeFrontier, type Frontier, frontierRoot } from '../../log/frontier.ts';
import { type Hash, sameBytes } from '../../log/hash.ts';
import { futureTime, MAX_CLOCK_AHEAD_MS } from '../../log/record.ts';
import type { Item, Table } from '../../store/ports.ts';
import type { VerificationFindings } from './ledger-report.ts';
import { openStored, type Signatories } from './stored-checkpoint.ts';
import type { VerifiedPlace } from './verification-mark.ts';
import type { Scanned } from './verification-scan.ts';

/** The dependencies of a walk along the ledger. */
export interface WalkOptions {
  readonly table: Table;
  readonly trail: string;
  /** Where to begin: a verified checkpoint, the start of the trail, or anywhere. */
  readonly start: WalkStart;
  /** Where to end: at the head, or before it. */
  readonly end: number;
  /** Records appended meanwhile are beyond it. */
  readonly head: Head;
  /** The blocks from the start to the end. */
  readonly blocks: AsyncIterable<Scanned>;
  readonly signatories: Signatories;
  /** Unix milliseconds. */
  readonly now: number;
  readonly findings: VerificationFindings;
  readonly notLookedAt: string[];
  /** Called for the leaf hashes of each block that reads well. */
  readonly onLeaves: (first: number, leaves: readonly Hash[]) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Where a walk begins, and the known facts about the records before. */
export interface WalkStart {
  /** How many there are. */
  readonly size: number;
  /** Undefined where it is not readable: then no root can be computed. */
  readonly frontier: Frontier | undefined;
  /** Leaf hash of the last of them; undefined where it is not known. */
  readonly last: Hash | undefined;
  /** When that one was received, Unix milliseconds; 0 where it is not known. */
  readonly receivedAt: number;
}

/** The state of the walk. After damage some of it is unknown. */
interface Reached {
  seq: number;
  /** Undefined once a leaf is missing: no root can be computed any more. */
  frontier: Frontier | undefined;
  last: Hash | undefined;
  receivedAt: number;
}

type Place = Omit<VerifiedPlace, 'archivedTo'>;

/**
 * Reads a stretch of the ledger and computes everything anew: chain, order of time, tree, the root of every stored
 * checkpoint on the way, and the head where it ends there. It goes on behind damage.
 *
 * @returns the place of the newest checkpoint on the way that is right, if there is one
 * @throws `unavailable` when the signal interrupts it; the Table's errors
 */
export async function walkLedger(options: WalkOptions): Promise<Place | undefined> {
  const { blocks, start, end, head, findings, notLookedAt, signal } = options;
  const at: Reached = { ...start, seq: start.size };
  const checkpoints = new CheckpointsOnTheWay(options);
  await checkpoints.begin();
  for await (const scanned of blocks) {
    assertTime(signal);
    if ('problem' in scanned) {
      findings.add(scanned.problem);
      if (scanned.problem.seq === undefined) continue; // what it stands between may be whole
      // How many records it held is not known: the next block tells where it ended.
      at.seq = Number.NaN;
      at.frontier = undefined;
      at.last = undefined;
      continue;
    }
    const { block } = scanned;
    if (!follows(block, at, findings)) continue;
    await checkpoints.upTo(block, at);
    if (at.frontier !== undefined) at.frontier = appendLeaves(at.frontier, block.leaves).frontier;
    await options.onLeaves(block.first, block.leaves);
    at.seq = block.first + block.count;
    at.last = block.leaves.at(-1);
    at.receivedAt = block.receivedAt;
  }
  // What lies behind the last block that reads well has no root to be compared with.
  at.frontier = at.seq === end ? at.frontier : undefined;
  if (at.seq < end) {
    const what =
      end === head.size ? `the ledger ends at ${at.seq}, its head says more` : `records are missing from ${at.seq} on`;
    findings.add({ kind: 'missing_records', seq: at.seq, message: what });
  }
  await checkpoints.rest();
  if (end === head.size) {
    checkHead(at, head, findings, notLookedAt);
    checkClock(head, options.now, findings);
  }
  if (checkpoints.unproven > 0) {
    notLookedAt.push(`the roots of ${checkpoints.unproven} checkpoints behind damaged or missing records`);
  }
  return checkpoints.newest;
}

/** Says what of a block does not follow from what came before it; false where the block repeats what was there. */
function follows(block: Block, at: Reached, findings: VerificationFindings): boolean {
  const { first: seq } = block;
  if (seq < at.seq) {
    findings.add({ kind: 'overlapping_records', seq, message: `a block begins at ${seq}, within the one before` });
    at.frontier = undefined;
    return false;
  }
  if (seq > at.seq) {
    const message = `records ${at.seq} to ${seq - 1} are missing from the ledger`;
    findings.add({ kind: 'missing_records', seq: at.seq, message });
    at.frontier = undefined;
    at.last = undefined;
  }
  if (at.last !== undefined && !sameBytes(at.last, block.prev)) {
    findings.add({ kind: 'broken_chain', seq, message: `record ${seq} does not name the record before it` });
  }
  if (block.receivedAt < at.receivedAt) {
    findings.add({ kind: 'time_reversed', seq, message: `record ${seq} was received before the one before it` });
  }
  return true;
}

function checkHead(at: Reached, head: Head, findings: VerificationFindings, notLookedAt: string[]): void {
  const differs = (what: string): void => {
    const message = `the head's ${what} is not that of its ${head.size} records`;
    findings.add({ kind: 'head_mismatch', seq: head.size, message });
  };
  if (at.seq > head.size) differs('size');
  if (at.frontier === undefined) {
    notLookedAt.push('the frontier and root of the head, which cannot be computed behind damaged or missing records');
  } else {
    if (!sameBytes(encodeFrontier(at.frontier), encodeFrontier(head.frontier))) differs('frontier');
    if (!sameBytes(frontierRoot(at.frontier), head.root)) differs('root');
  }
  if (at.seq !== head.size || at.last === undefined) return;
  if (!sameBytes(at.last, head.last)) differs('last leaf hash');
  if (at.receivedAt !== head.receivedAt) differs('time');
}

/** No record can have been received after now. */
function checkClock({ size, receivedAt }: Head, now: number, findings: VerificationFindings): void {
  if (receivedAt - now <= MAX_CLOCK_AHEAD_MS) return;
  findings.add({ kind: 'future_time', seq: size - 1, message: futureTime(size - 1, receivedAt, now) });
}

/** The stored checkpoints of the range, taken along with the blocks under them. */
class CheckpointsOnTheWay {
  readonly #options: WalkOptions;
  readonly #items: AsyncIterator<Item>;
  #next: Item | undefined;
  newest: Place | undefined;
  unproven = 0;

  constructor(options: WalkOptions) {
    const { table, trail, start, end } = options;
    const partition = checkpointPartition(trail);
    const range = { partition, from: sortableNumber(start.size + 1), to: sortableNumber(end) };
    this.#options = options;
    this.#items = table.query(range)[Symbol.asyncIterator]();
  }

  async begin(): Promise<void> {
    const { done, value } = await this.#items.next();
    this.#next = done === true ? undefined : value;
  }

  /** Checks those that end within a block, given what came before the block. */
  async upTo(block: Block, { frontier }: Reached): Promise<void> {
    const end = block.first + block.count;
    while (this.#next !== undefined && !(Number(this.#next.sort) > end)) {
      const count = Number(this.#next.sort) - block.first;
      if (frontier === undefined || !(count > 0)) await this.#judge(undefined, block.receivedAt);
      else await this.#judge({ frontier, leaves: block.leaves.slice(0, count) }, block.receivedAt);
    }
  }

  /** Checks the signatures of those that no block is left for. */
  async rest(): Promise<void> {
    while (this.#next !== undefined) await this.#judge(undefined, 0);
  }

  async #judge(
    tree: { readonly frontier: Frontier; readonly leaves: readonly Hash[] } | undefined,
    receivedAt: number,
  ): Promise<void> {
    const { signatories, findings, signal } = this.#options;
    const item = this.#next;
    if (item === undefined) return;
    assertTime(signal);
    await this.begin();
    const checkpoint = openStored(item, signatories, findings);
    if (checkpoint === undefined) return;
    const last = tree?.leaves.at(-1);
    if (tree === undefined || last === undefined) {
      this.unproven += 1;
      return;
    }
    const { size, root } = checkpoint;
    const grown = appendLeaves(tree.frontier, tree.leaves);
    if (sameBytes(grown.root, root)) {
      const note = String(item.attributes.note);
      this.newest = { size, frontier: grown.frontier, last, receivedAt, note };
    } else {
      const message = `the checkpoint of size ${size} has another root than the ledger's records`;
      findings.add({ kind: 'root_mismatch', seq: size, message });
    }
  }
}

/** @throws `unavailable` once the signal is aborted */
export function assertTime(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new SealtrailError('unavailable', 'the verification was interrupted: it counts for nothing');
}
