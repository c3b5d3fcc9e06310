import type { ConsistencyReply, KeysReply, PublicKey, RetiredPublicKey } from '../../contract/replies.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { fromBase64, toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { sameBytes } from '../../log/hash.ts';
import { isCount, isObject, ownMember } from '../../log/json.ts';
import { parseVkey, type Verifier } from '../../log/note.ts';
import { checkConsistency } from '../../log/tree.ts';
import type { SignedHttp } from '../http/http.ts';

/** A public key that a server names. */
export interface NamedKey {
  readonly verifier: Verifier;
  /** The size of the last checkpoint that it signed; absent: it signs now. */
  readonly to?: number;
}

/**
 * The public keys that a server names, for some trails or for all that the caller may read: those that sign now and those
 * that were retired. Trusting them means trusting the server this once: an auditor compares their fingerprints with ones
 * from elsewhere.
 *
 * @throws `malformed_key` where it names something that is no key; the server's own errors
 */
export async function fetchKeys(
  http: SignedHttp,
  trails?: readonly string[],
  signal?: AbortSignal,
): Promise<NamedKey[]> {
  const found: NamedKey[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = { trail: trails, ...(cursor !== undefined && { cursor }) };
    const answer = (await http.send({ path: '/v1/keys', query, ...(signal && { signal }) })).json();
    found.push(...keysIn(answer));
    const next = memberOf<KeysReply>(answer, 'cursor');
    if (next === undefined) return found;
    if (typeof next !== 'string' || next === cursor) throw malformed('the server’s pages of keys have no end');
    cursor = next;
  }
}

function keysIn(answer: unknown): NamedKey[] {
  const current = memberOf<KeysReply>(answer, 'keys');
  const retired = memberOf<KeysReply>(answer, 'retired') ?? [];
  if (!Array.isArray(current) || !Array.isArray(retired)) throw malformed('the server did not answer with keys');
  const verifierOf = (key: unknown): Verifier => parseVkey(String(memberOf<PublicKey>(key, 'vkey')));
  return [
    ...current.map((key: unknown) => ({ verifier: verifierOf(key) })),
    ...retired.map((key: unknown) => ({ verifier: verifierOf(key), to: endOf(key) })),
  ];
}

function endOf(key: unknown): number {
  const to = memberOf<RetiredPublicKey>(key, 'to');
  if (isCount(to)) return to;
  throw malformed('the server names a retired key without its end');
}

/** A member of an answer that should be a T. */
function memberOf<T>(value: unknown, name: keyof T & string): unknown {
  return isObject(value) ? ownMember(value, name) : undefined;
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_key', message);

/**
 * One client's view of a trail: each checkpoint must extend the last one, or the log shows different histories
 * to different people, or changes its own.
 */
export class LogView {
  readonly #http: SignedHttp;
  readonly #trail: string;
  #newest: Checkpoint | undefined;

  constructor(http: SignedHttp, trail: string, seen?: Checkpoint) {
    this.#http = http;
    this.#trail = trail;
    this.#newest = seen;
  }

  /** The newest checkpoint that is known to be of one history with all before it. */
  get newest(): Checkpoint | undefined {
    return this.#newest;
  }

  /**
   * Takes in a checkpoint whose signature has been checked, asking the server for the proof that it and the newest one
   * are of one history. Calls must not overlap.
   *
   * @param before the size and root of a tree that the checkpoint's is proven to extend, from a receipt: where that is the newest one,
   *   nothing needs to be asked
   *
   * @throws `proof_mismatch`: two checkpoints with valid signatures contradict each other, which proves misconduct; the server's own errors
   */
  async extend(checkpoint: Checkpoint, before?: Pick<Checkpoint, 'size' | 'root'>): Promise<void> {
    const seen = this.#newest;
    if (seen !== undefined && !isOf(seen, before, checkpoint)) {
      const [older, newer] = seen.size <= checkpoint.size ? [seen, checkpoint] : [checkpoint, seen];
      await this.#assertConsistency(older, newer);
    }
    if (seen === undefined || checkpoint.size > seen.size) this.#newest = checkpoint;
  }

  async #assertConsistency(older: Checkpoint, newer: Checkpoint): Promise<void> {
    const proof = older.size === newer.size ? [] : await this.#fetchProof(older.size, newer.size);
    try {
      if (older.origin !== newer.origin) {
        throw new SealtrailError('proof_mismatch', `the older one is of ${older.origin}`);
      }
      checkConsistency(older.size, older.root, newer.size, newer.root, proof);
    } catch (cause) {
      if (!(cause instanceof SealtrailError)) throw cause;
      const of = (one: Checkpoint): string => `${one.size} records (root ${toHex(one.root)})`;
      throw new SealtrailError(
        'proof_mismatch',
        `the log ${newer.origin} contradicts itself: its checkpoints of ${of(older)} and ${of(newer)} are not of one history: ${cause.message}`,
        { cause },
      );
    }
  }

  async #fetchProof(from: number, to: number): Promise<Uint8Array[]> {
    const path = `/v1/trails/${this.#trail}/consistency`;
    const proof = memberOf<ConsistencyReply>(
      (await this.#http.send({ path, query: { from, to } }).catch(denied)).json(),
      'proof',
    );
    if (!Array.isArray(proof)) throw new SealtrailError('proof_mismatch', 'the server sent no consistency proof');
    return proof.map((hash: unknown) => fromBase64(String(hash), 'proof_mismatch', 'a hash of the consistency proof'));
  }
}

/** True if a checkpoint is of the log that another is of, and what came before it is just that. */
function isOf(
  seen: Checkpoint,
  before: Pick<Checkpoint, 'size' | 'root'> | undefined,
  { origin }: Checkpoint,
): boolean {
  if (before === undefined || seen.origin !== origin) return false;
  return seen.size === before.size && sameBytes(seen.root, before.root);
}

/** Who does not know a checkpoint that he has signed has lost it, or wants it to be lost. */
function denied(error: unknown): never {
  if (!(error instanceof SealtrailError) || error.code !== 'not_found') throw error;
  throw new SealtrailError('proof_mismatch', `the log denies a checkpoint that it has signed: ${error.message}`, {
    cause: error,
  });
}
