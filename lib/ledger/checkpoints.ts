import { setTimeout as sleep } from 'node:timers/promises';
import { formatCheckpoint } from '../log/checkpoint.ts';
import { SealtrailError } from '../log/error.ts';
import { formatNote, type Verifier, verifierFromSpki } from '../log/note.ts';
import type { Item, Signer, Table } from '../store/ports.ts';
import { readHead } from './commit.ts';
import { attributesOf, withFormat } from './items/format.ts';
import type { Head } from './items/head.ts';
import { checkpointKey, checkpointPartition, sortableNumber } from './items/layout.ts';

/** A signed checkpoint as stored: the size it covers and the note (C2SP signed-note) with its signatures. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string;
}

/** How long a signature may take that another process makes, and how often it is looked for. */
const SOON_MS = 500;
const LOOK_MS = 15;

/** Signs heads and keeps what was signed. One checkpoint per trail and size, the first that was stored. */
export class Checkpoints {
  readonly #table: Table;
  readonly #signers: readonly Signer[];
  readonly #logName: string;
  readonly #onSigned: (head: Head) => void;
  readonly #verifiers = new Map<string, readonly Verifier[]>();

  /** @param onSigned called for each head whose first checkpoint is stored. Must not throw. */
  constructor(table: Table, signers: readonly Signer[], logName: string, onSigned: (head: Head) => void) {
    this.#table = table;
    this.#signers = signers;
    this.#logName = logName;
    this.#onSigned = onSigned;
  }

  /** The origin line of a trail's checkpoints, which is its keys' name too: `<log name>/<trail>`. */
  origin(trail: string): string {
    return `${this.#logName}/${trail}`;
  }

  /** The keys that sign a trail's checkpoints now, in the order of their signatures. */
  async verifiers(trail: string): Promise<readonly Verifier[]> {
    const known = this.#verifiers.get(trail);
    if (known !== undefined) return known;
    // An empty list would pass for keys that every signature is right by.
    if (this.#signers.length === 0) throw new RangeError('a ledger without signers knows no keys');
    const name = this.origin(trail);
    const verifiers = await Promise.all(this.#signers.map(async (s) => verifierFromSpki(name, await s.publicKey())));
    this.#verifiers.set(trail, verifiers);
    return verifiers;
  }

  /**
   * Signs a head that the table already holds, so that every signature belongs to a published state, and stores the
   * note. A crash between the two leaves the head without a checkpoint: the sealer comes here again.
   *
   * @throws `signer_unavailable` and the Table's errors; the records stand whatever happens here.
   */
  async sign(head: Head): Promise<StoredCheckpoint> {
    const { trail, size, root } = head;
    const text = formatCheckpoint({ origin: this.origin(trail), size, root });
    // C2SP signed-note: signatures are made over the text with its final newline.
    const message = Buffer.from(text);
    const verifiers = await this.verifiers(trail);
    const signatures = await Promise.all(
      verifiers.map(async ({ name, keyId }, index) => {
        const signer = this.#signers[index];
        if (signer === undefined) throw new RangeError('a verifier without its signer');
        return { name, keyId, signature: await signer.sign(message) };
      }),
    );
    const note = formatNote(text, signatures);
    const put = { ...checkpointKey(trail, size), attributes: withFormat('checkpoint', { note }) };
    const outcome = await this.#table.transact([{ put, when: { is: 'absent' } }]);
    if (outcome.committed) {
      this.#onSigned(head);
      return { size, note };
    }
    // Another process signed this size first. Its checkpoint is published, so ours is dropped.
    const theirs = outcome.failed[0]?.item ?? (await this.#table.get(checkpointKey(trail, size)));
    return checkpointFromItem(trail, theirs);
  }

  /** Signs the trail's head unless it has a checkpoint. Undefined where the trail has no record. */
  async seal(trail: string): Promise<StoredCheckpoint | undefined> {
    const head = await readHead(this.#table, trail);
    if (head.size === 0) return undefined;
    return (await this.at(trail, head.size)) ?? (await this.sign(head));
  }

  /** The checkpoint of exactly this size, if one was ever signed. */
  async at(trail: string, size: number): Promise<StoredCheckpoint | undefined> {
    const item = await this.#table.get(checkpointKey(trail, size));
    return item === undefined ? undefined : checkpointFromItem(trail, item);
  }

  /** The checkpoint of a size whose head another process is signing just now; undefined where it does not come soon. */
  async soonAt(trail: string, size: number): Promise<StoredCheckpoint | undefined> {
    const until = performance.now() + SOON_MS;
    for (;;) {
      const checkpoint = await this.at(trail, size);
      if (checkpoint !== undefined || performance.now() >= until) return checkpoint;
      await sleep(LOOK_MS * (Math.random() + 0.5));
    }
  }

  /** The newest checkpoint, or the smallest one that covers `size` records. */
  async covering(trail: string, size?: number): Promise<StoredCheckpoint | undefined> {
    const partition = checkpointPartition(trail);
    const range =
      size === undefined
        ? ({ partition, order: 'descending', limit: 1 } as const)
        : { partition, from: sortableNumber(size), limit: 1 };
    for await (const item of this.#table.query(range)) return checkpointFromItem(trail, item);
    return undefined;
  }
}

function checkpointFromItem(trail: string, item: Item | undefined): StoredCheckpoint {
  const note = item && attributesOf('checkpoint', item).note;
  if (item === undefined || typeof note !== 'string') {
    throw new SealtrailError('store_corrupt', `a checkpoint of trail ${trail} is not readable`);
  }
  return { size: Number(item.sort), note };
}
