import { formatCheckpoint } from '../../lib/log/checkpoint.ts';
import { ed25519Key, type NoteKey, noteBy } from '../log/keys.ts';
import { NaiveTree, naiveLeaves } from '../log/naive-tree.ts';

/** A log that submits to witnesses, with nothing in common with lib but the format of notes. */
export class SubmittingLog {
  readonly origin: string;
  readonly key: NoteKey;
  readonly #tree: NaiveTree;

  constructor(origin = 'log.example/_heads', seed = 1, text = 'leaf') {
    this.origin = origin;
    this.key = ed25519Key(seed);
    this.#tree = new NaiveTree(naiveLeaves(100, text));
  }

  get vkey(): string {
    return this.key.verifier(this.origin).vkey;
  }

  text(size: number): string {
    return formatCheckpoint({ origin: this.origin, size, root: Buffer.from(this.#tree.root(0, size), 'hex') });
  }

  note(size: number): string {
    return noteBy(this.key, this.origin, this.text(size));
  }

  proof(from: number, to: number): string[] {
    if (from === 0) return [];
    return this.#tree.consistency(from, to).map((hash) => Buffer.from(hash, 'hex').toString('base64'));
  }

  /** The body of a request. */
  body(old: number, size: number, proof = this.proof(old, size), note = this.note(size)): Buffer {
    return Buffer.from(`old ${old}\n${proof.map((hash) => `${hash}\n`).join('')}\n${note}`);
  }
}
