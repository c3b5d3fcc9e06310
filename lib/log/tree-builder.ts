import { SealtrailError } from './error.ts';
import { joinSubtrees, type NodeId } from './frontier.ts';
import { type Hash, isHash, nodeHash } from './hash.ts';

/**
 * Proofs that any selection of records is in a log. The leaf hashes of the records and the hashes of the complete
 * subtrees between them are enough to build the root, from left to right, in O(log n) memory. See docs/spec.md, "Exports".
 */

/**
 * The complete subtrees that cover the leaves `[from, to)`, from the left: at each place the widest that starts there
 * and does not reach beyond `to`. At most 2 * 52.
 */
export function nodesBetween(from: number, to: number): NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    let width = 1;
    // By division: bit operations would cut numbers to 32 bits.
    while (at % (width * 2) === 0 && at + width * 2 <= to) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** Builds a tree from left to right, out of the hashes of leaves and of whole subtrees. */
export class TreeBuilder {
  /** Roots of the complete subtrees so far, widest first, with their levels. */
  readonly #nodes: Hash[] = [];
  readonly #levels: number[] = [];
  #size = 0;

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** @throws `malformed_proof` for a subtree that cannot stand at the tree's end */
  add(hash: Hash, level = 0): void {
    const width = 2 ** level;
    if (!isHash(hash) || this.#size % width !== 0)
      throw malformed(`no subtree of level ${level} ends ${this.#size} leaves`);
    let node = hash;
    let height = level;
    // RFC 6962 section 2.1: two complete subtrees of one width, side by side, are the halves of the next one.
    while (this.#levels.at(-1) === height) {
      node = nodeHash(this.#nodes.pop() ?? node, node);
      this.#levels.pop();
      height += 1;
    }
    this.#nodes.push(node);
    this.#levels.push(height);
    this.#size += width;
  }

  /** The root of the tree so far (RFC 6962 section 2.1). */
  root(): Hash {
    return joinSubtrees(this.#nodes);
  }
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_proof', message);
