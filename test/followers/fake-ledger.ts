import { sign } from 'node:crypto';
import type { StoredCheckpoint } from '../../lib/ledger/checkpoints.ts';
import type { Block, RecordRange } from '../../lib/ledger/items/block.ts';
import type { Head } from '../../lib/ledger/items/head.ts';
import { formatCheckpoint } from '../../lib/log/checkpoint.ts';
import { toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER, type Frontier } from '../../lib/log/frontier.ts';
import { EMPTY_ROOT, type Hash, leafHash, ZERO_HASH } from '../../lib/log/hash.ts';
import { formatNote, type Verifier, verifierFromSpki } from '../../lib/log/note.ts';
import { recordLine } from '../../lib/log/record.ts';
import { newKey, type TestKey } from '../support/keys.ts';

/** 2026-11-21, 10:00 UTC. */
export const MORNING = Date.UTC(2026, 10, 21, 10);
export const DAY = 24 * 60 * 60 * 1000;

/**
 * What followers see of a ledger with one trail, in memory: a million records in a second, and any of its parts can be
 * made to lie. The real ledger is used where the two must be seen to fit.
 */
export class FakeLedger {
  readonly trail: string;
  readonly #blocks: Block[] = [];
  readonly #checkpoints = new Map<number, string>();
  #keys: readonly TestKey[];
  #frontier: Frontier = EMPTY_FRONTIER;
  #root: Hash = EMPTY_ROOT;
  #receivedAt = 0;
  /** Set to make the next calls of `seal` fail. */
  signerFailure: Error | undefined;
  /** Every call of `seal`. */
  sealCalls = 0;

  constructor(trail = 'orders', keys: readonly TestKey[] = [newKey('ed25519')]) {
    this.trail = trail;
    this.#keys = keys;
  }

  get size(): number {
    return this.#frontier.size;
  }

  get allLeaves(): Hash[] {
    return this.#blocks.flatMap((block) => block.leaves);
  }

  get allLines(): string[] {
    return this.#blocks.flatMap((block) => block.lines);
  }

  /** Appends one block. @param details how many bytes of details each event has, at least */
  add(count: number, receivedAt = MORNING, details = 0): this {
    const { trail } = this;
    const first = this.size;
    const lines: string[] = [];
    const leaves: Hash[] = [];
    const start = this.#blocks.at(-1)?.leaves.at(-1) ?? ZERO_HASH;
    let prev = start;
    for (let seq = first; seq < first + count; seq++) {
      const event = `{"details":{"n":"${'x'.repeat(details)}"},"id":"e${seq}","severity":"info","type":"data.read"}`;
      const line = recordLine({ trail, seq, prev: toHex(prev), receivedAt, submitter: 'tests' }, event);
      prev = leafHash(line);
      lines.push(line);
      leaves.push(prev);
    }
    this.#blocks.push({ trail, first, count, receivedAt, prev: start, lines, leaves });
    const { frontier, root } = appendLeaves(this.#frontier, leaves);
    this.#frontier = frontier;
    this.#root = root;
    this.#receivedAt = receivedAt;
    return this;
  }

  /** Appends in blocks of 1,000, up to `size` records in all. */
  growTo(size: number, receivedAt = MORNING): this {
    while (this.size < size) this.add(Math.min(1000, size - this.size), receivedAt);
    return this;
  }

  /** Signs the head. */
  sign(): this {
    const note = this.noteOf(this.size, this.#root);
    if (!this.#checkpoints.has(this.size)) this.#checkpoints.set(this.size, note);
    return this;
  }

  /** A note over any size and root, signed like a checkpoint. */
  noteOf(size: number, root: Hash, keys: readonly TestKey[] = this.#keys): string {
    const text = formatCheckpoint({ origin: this.origin, size, root });
    const signatures = keys.map(({ privateKey, spki, hash }) => {
      const { name, keyId } = verifierFromSpki(this.origin, spki);
      return { name, keyId, signature: new Uint8Array(sign(hash, Buffer.from(text), privateKey)) };
    });
    return formatNote(text, signatures);
  }

  /** From now on other keys sign. */
  rotate(keys: readonly TestKey[]): this {
    this.#keys = keys;
    return this;
  }

  /** Attacker: puts another note where the checkpoint of a size was. */
  forge(size: number, note: string): void {
    this.#checkpoints.set(size, note);
  }

  /** Attacker: changes one record, and all that the ledger keeps about it, but no signature. */
  rewrite(seq: number, change: (line: string) => string): void {
    const at = this.#blocks.findIndex(({ first, count }) => first <= seq && seq < first + count);
    const block = this.#blocks[at];
    if (block === undefined) throw new RangeError(`no record ${seq}`);
    const lines = block.lines.map((line, index) => (block.first + index === seq ? change(line) : line));
    this.#blocks[at] = { ...block, lines, leaves: lines.map((line) => leafHash(line)) };
  }

  get origin(): string {
    return `log.example/${this.trail}`;
  }

  async *trails(): AsyncGenerator<string> {
    yield this.trail;
  }

  async head(trail: string): Promise<Head | undefined> {
    if (trail !== this.trail || this.size === 0) return undefined;
    const last = this.#blocks.at(-1)?.leaves.at(-1) ?? ZERO_HASH;
    return { trail, size: this.size, frontier: this.#frontier, last, root: this.#root, receivedAt: this.#receivedAt };
  }

  async *blocks(trail: string, { from, to }: RecordRange): AsyncGenerator<Block, void, void> {
    if (trail !== this.trail) return;
    const before = this.#blocks.findIndex(({ first, count }) => first + count > from);
    for (const block of before < 0 ? [] : this.#blocks.slice(before)) {
      if (block.first >= to) return;
      yield block;
    }
  }

  async checkpoint(trail: string, size?: number): Promise<StoredCheckpoint | undefined> {
    const sizes = trail === this.trail ? [...this.#checkpoints.keys()].sort((a, b) => a - b) : [];
    const found = size === undefined ? sizes.at(-1) : sizes.find((candidate) => candidate >= size);
    return found === undefined ? undefined : this.exactCheckpoint(trail, found);
  }

  async exactCheckpoint(trail: string, size: number): Promise<StoredCheckpoint | undefined> {
    const note = trail === this.trail ? this.#checkpoints.get(size) : undefined;
    return note === undefined ? undefined : { size, note };
  }

  async seal(trail: string): Promise<StoredCheckpoint | undefined> {
    this.sealCalls += 1;
    if (this.signerFailure !== undefined) throw this.signerFailure;
    if (trail !== this.trail || this.size === 0) return undefined;
    this.sign();
    return this.exactCheckpoint(trail, this.size);
  }

  async verifiers(_trail: string): Promise<readonly Verifier[]> {
    return this.#keys.map(({ spki }) => verifierFromSpki(this.origin, spki));
  }
}
