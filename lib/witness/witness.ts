import { attributesOf, withFormat } from '../ledger/items/format.ts';
import { witnessedKey } from '../ledger/items/layout.ts';
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { type Cosigner, cosignatureLine, cosignatureMessage, cosignerFromSpki } from '../log/cosignature.ts';
import { toHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { sha256 } from '../log/hash.ts';
import { parseNote } from '../log/note.ts';
import type { Condition, Signer, Table } from '../store/ports.ts';
import { assertGrowth, assertSigned, parseSubmission, Refused, type Submission } from './add-checkpoint.ts';
import type { LogKeys } from './log-list.ts';

/** A key of a witness. See {@link Signer}. */
export type CosignerKey = Pick<Signer, 'publicKey' | 'sign'>;

/** The dependencies of {@link Witness}. */
export interface WitnessOptions {
  /** Where it keeps what it cosigned: its whole memory. Losing it lets every log roll back once. */
  readonly table: Table;
  /** An Ed25519 key, used for nothing else (C2SP tlog-cosignature, "Ed25519 signed message"). */
  readonly signer: CosignerKey;
  /** A second key that cosigns the same, of ML-DSA-44. @default none */
  readonly second?: CosignerKey;
  /** The name of its key, such as `witness.example.com/w1`. */
  readonly name: string;
  /** The logs that it knows, asked for with each request. */
  readonly logs: () => Promise<LogKeys>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** An answer over HTTP. */
export interface WitnessAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** The last checkpoint of a log that a witness cosigned. */
interface Last {
  readonly checkpoint: Checkpoint;
  /** With the log's signatures, and the witness's own. */
  readonly note: string;
  readonly revision: number;
}

const TEXT = 'text/plain; charset=utf-8';
/** C2SP tlog-witness, "add-checkpoint". */
const SIZE = 'text/x.tlog.size';

/**
 * A witness (C2SP tlog-witness): cosigns a checkpoint of a log that it knows if that extends the last one it cosigned, and
 * remembers it first. One conditional put for each, so any number of processes may run one witness.
 *
 * @example
 * const witness = new Witness({ table, signer, name: 'witness.example.com/w1', logs: async () => parseLogList(list) });
 * const { status, type, body } = await witness.addCheckpoint(request.body);
 */
export class Witness {
  readonly #table: Table;
  readonly #keys: readonly CosignerKey[];
  readonly #name: string;
  readonly #logs: () => Promise<LogKeys>;
  readonly #now: () => number;
  #cosigners: Promise<readonly Cosigner[]> | undefined;

  constructor({ table, signer, second, name, logs, now = Date.now }: WitnessOptions) {
    this.#table = table;
    this.#keys = second === undefined ? [signer] : [signer, second];
    this.#name = name;
    this.#logs = logs;
    this.#now = now;
  }

  /** Its name and keys, as policies name them. @throws `malformed_key` if a key cannot cosign; `signer_unavailable` */
  cosigners(): Promise<readonly Cosigner[]> {
    this.#cosigners ??= Promise.all(this.#keys.map(async (key) => cosignerFromSpki(this.#name, await key.publicKey())));
    return this.#cosigners;
  }

  /** Its Ed25519 key. */
  async cosigner(): Promise<Cosigner> {
    const [first] = await this.cosigners();
    if (first === undefined) throw new RangeError('a witness without a key');
    return first;
  }

  /**
   * Answers `POST <submission prefix>/add-checkpoint`.
   *
   * @throws the Table's errors, `signer_unavailable`, `malformed_key` (the list of logs): nothing was answered, and the log asks
   *   again
   * @see C2SP tlog-witness, "add-checkpoint"
   */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    try {
      const submission = parseSubmission(body);
      assertSigned(submission, await this.#logs());
      if (submission.checkpoint !== undefined && submission.old > submission.checkpoint.size) {
        throw new Refused(400, 'the old size is above that of the checkpoint');
      }
      return await this.#cosign(submission);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, type: TEXT, body: `${error.message}\n` };
    }
  }

  async #cosign(submission: Submission): Promise<WitnessAnswer> {
    const { origin, old, note } = submission;
    const last = await this.#last(origin);
    const size = last?.checkpoint.size ?? 0;
    if (old !== size) return conflict(size);
    const checkpoint = assertGrowth(submission, last?.checkpoint);
    const seconds = Math.floor(this.#now() / 1000);
    const cosigners = await this.cosigners();
    const lines = await Promise.all(cosigners.map((one, at) => this.#line(one, at, submission, seconds)));
    const body = lines.join('');
    // No one sees the line before the put has succeeded. Of two requests at once, one finds what the other has put.
    const isKept = await this.#keep(origin, last, withoutLines(note, cosigners) + body);
    if (!isKept) return conflict((await this.#last(origin))?.checkpoint.size ?? checkpoint.size);
    return { status: 200, type: TEXT, body };
  }

  /** Its line by one of its keys. An ML-DSA-44 signature covers no extension lines, so a checkpoint with some gets none. */
  async #line(cosigner: Cosigner, at: number, { parsed, checkpoint }: Submission, seconds: number): Promise<string> {
    if (cosigner.algorithm === 'ml-dsa-44' && checkpoint?.extensions !== undefined) return '';
    const signature = await this.#keys[at]?.sign(cosignatureMessage(cosigner, parsed.text, seconds));
    if (signature === undefined) throw new RangeError('a cosigner without its key');
    return cosignatureLine(cosigner, seconds, signature);
  }

  /**
   * Answers `GET <monitoring prefix>/<origin hash>/checkpoint`.
   *
   * @param originHash SHA-256 of the origin, in lower-case hex
   * @throws the Table's errors
   * @see C2SP tlog-witness, "Monitor Retrieval Mechanism"
   */
  async readCheckpoint(originHash: string): Promise<WitnessAnswer> {
    const last = /^[0-9a-f]{64}$/.test(originHash) ? await this.#read(originHash) : undefined;
    if (last === undefined) return { status: 404, type: TEXT, body: 'nothing of this log was cosigned here\n' };
    return { status: 200, type: TEXT, body: last.note };
  }

  #last(origin: string): Promise<Last | undefined> {
    return this.#read(hashOf(origin));
  }

  async #read(originHash: string): Promise<Last | undefined> {
    const item = await this.#table.get(witnessedKey(originHash));
    if (item === undefined) return undefined;
    const { note, revision } = attributesOf('witnessed checkpoint', item);
    if (typeof note !== 'string' || typeof revision !== 'number') {
      throw new SealtrailError('store_corrupt', `what was cosigned of the log ${originHash} is not readable`);
    }
    return { checkpoint: parseCheckpoint(parseNote(note).text), note, revision };
  }

  /** @returns whether it was kept; if not, another request came first */
  async #keep(origin: string, last: Last | undefined, note: string): Promise<boolean> {
    const when: Condition =
      last === undefined ? { is: 'absent' } : { is: 'equal', attribute: 'revision', value: last.revision };
    const attributes = withFormat('witnessed checkpoint', { note, revision: (last?.revision ?? 0) + 1 });
    const outcome = await this.#table.transact([{ put: { ...witnessedKey(hashOf(origin)), attributes }, when }]);
    return outcome.committed;
  }
}

/** The note without lines of this witness, which a log may have sent along: there is one of each key. */
function withoutLines(note: string, cosigners: readonly Cosigner[]): string {
  const { text, signatures } = parseNote(note);
  const lines = note.slice(text.length + 1).split(/(?<=\n)/);
  const isOwn = (at: number): boolean =>
    cosigners.some(({ name, keyId }) => signatures[at]?.name === name && signatures[at]?.keyId === keyId);
  return `${text}\n${lines.filter((_, at) => !isOwn(at)).join('')}`;
}

/** The answer to the log: the size that the witness has. */
const conflict = (size: number): WitnessAnswer => ({ status: 409, type: SIZE, body: `${size}\n` });

const hashOf = (origin: string): string => toHex(sha256(origin));
