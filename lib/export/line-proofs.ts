import { SealtrailError } from '../log/error.ts';
import type { NodeId } from '../log/frontier.ts';
import { type Hash, leafHash, sameBytes } from '../log/hash.ts';
import type { NodeReader } from '../log/tree.ts';
import { nodesBetween, TreeBuilder } from '../log/tree-builder.ts';
import type { Match } from '../query/query.ts';

/** Nodes that are read together: at most so many tiles are in memory. */
const NODES_AT_ONCE = 512;

/**
 * Makes the proof of exported records, and checks it: what was read leads to the root that was signed, or the export is
 * refused. Memory does not grow with the number of records.
 */
export class Evidence {
  readonly #size: number;
  readonly #read: NodeReader;
  readonly #tree = new TreeBuilder();
  #hashes = 0;

  /** @param size of the tree that the records are proven to be in */
  constructor(size: number, read: NodeReader) {
    this.#size = size;
    this.#read = read;
  }

  /** Hashes in the proof so far. */
  get hashes(): number {
    return this.#hashes;
  }

  /**
   * Takes records in ascending order.
   *
   * @returns what they add to the proof: the hashes of the subtrees before and between them
   */
  async add(matches: readonly Match[]): Promise<Uint8Array> {
    const steps: (NodeId | Match)[] = [];
    let at = this.#tree.size;
    for (const match of matches) {
      if (at < match.seq) steps.push(...nodesBetween(at, match.seq));
      steps.push(match);
      at = match.seq + 1;
    }
    return this.#take(steps);
  }

  /** The last bytes of the proof. @throws `store_corrupt` when the records do not lead to the root */
  async end(root: Hash): Promise<Uint8Array> {
    const rest = await this.#take(nodesBetween(this.#tree.size, this.#size));
    if (!sameBytes(this.#tree.root(), root)) {
      const message = 'the records and the stored tree do not give the root that was signed: nothing was exported';
      throw new SealtrailError('store_corrupt', message);
    }
    return rest;
  }

  async #take(steps: readonly (NodeId | Match)[]): Promise<Uint8Array> {
    const ids = steps.filter((step) => 'level' in step);
    const hashes: Hash[] = [];
    for (let at = 0; at < ids.length; at += NODES_AT_ONCE) {
      hashes.push(...(await this.#read(ids.slice(at, at + NODES_AT_ONCE))));
    }
    if (hashes.length !== ids.length) throw new RangeError('the reader broke its promise');
    let next = 0;
    for (const step of steps) {
      if ('level' in step) this.#tree.add(hashes[next++] ?? new Uint8Array(0), step.level);
      else this.#tree.add(step.leaf ?? leafHash(step.line));
    }
    this.#hashes += hashes.length;
    return Buffer.concat(hashes);
  }
}
