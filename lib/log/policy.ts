import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { type Cosigner, cosignaturesOf, parseCosigner } from './cosignature.ts';
import { fromUtf8, toUtf8 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { openNote, parseNote, parseVkey, splitVkey, type Verifier } from './note.ts';

/** A log that a policy names. Its key's name is the origin. */
export interface PolicyLog {
  readonly origin: string;
  /** Signs as a log does (types 0x01 and 0x02), or as a cosigner of its own checkpoints (type 0x06). */
  readonly key: Verifier | Cosigner;
  readonly url?: string;
}

/** A witness that a policy names. */
export interface PolicyWitness {
  /** Its name within the policy. */
  readonly name: string;
  readonly cosigner: Cosigner;
  /** Where it takes checkpoints: the submission prefix of C2SP tlog-witness. */
  readonly url?: string;
}

/** Which witnesses must have cosigned: no one, one witness, or `needed` of the members of a group. */
export type Quorum =
  | { readonly is: 'none' }
  | { readonly is: 'witness'; readonly name: string }
  | { readonly is: 'group'; readonly name: string; readonly needed: number; readonly members: readonly Quorum[] };

/** A trust policy (C2SP tlog-policy): whose checkpoints are valid, and cosigned by whom. */
export interface Policy {
  /** If empty, the log is known from elsewhere. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

/** Lines that a policy may have, and bytes. */
const MAX_LINES = 10_000;
const MAX_BYTES = 1_000_000;

/**
 * Parses a policy file.
 *
 * @throws `malformed_policy`, naming the line
 * @see C2SP tlog-policy, "Policy file syntax and structure"
 * @example
 * const { witnesses, quorum } = parsePolicy(`witness W1 ${vkey} https://witness.example/\nquorum W1\n`);
 */
export function parsePolicy(file: Uint8Array | string): Policy {
  // Octets with the high bit set are opaque, so lines are split as Latin-1.
  const bytes = typeof file === 'string' ? toUtf8(file) : file;
  if (bytes.length > MAX_BYTES) throw malformed(`a policy has at most ${MAX_BYTES} bytes`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (!text.endsWith('\n')) throw malformed('a policy ends with a newline');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > MAX_LINES) throw malformed(`a policy has at most ${MAX_LINES} lines`);
  const reader = new PolicyReader();
  for (const [at, line] of lines.entries()) {
    try {
      reader.read(line);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      throw new SealtrailError('malformed_policy', `line ${at + 1} of the policy: ${error.message}`, { cause: error });
    }
  }
  return reader.finish();
}

/** Reads a policy line by line. */
class PolicyReader {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #named = new Map<string, Quorum>();
  /** Names that are members of a group: each may be in one only. */
  readonly #members = new Set<string>();
  /** The keys of the logs, and those of the witnesses. */
  readonly #keys = { log: new Set<string>(), witness: new Set<string>() };
  #quorum: Quorum | undefined;

  read(line: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: matching control characters is the point
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(line)) throw malformed('it has a control character');
    const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(items);
    else if (keyword === 'witness') this.#witness(items);
    else if (keyword === 'group') this.#group(items);
    else if (keyword === 'quorum') this.#setQuorum(items);
    else throw malformed(`it begins with ${shown(keyword)}, not with log, witness, group or quorum`);
  }

  finish(): Policy {
    if (this.#quorum === undefined) throw malformed('a policy has a line quorum');
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }

  #log([vkey, url, ...more]: readonly string[]): void {
    if (vkey === undefined || more.length > 0) throw malformed('a log has a vkey and at most a URL');
    const text = utf8(vkey);
    // A log's own ML-DSA-44 key signs as a cosigner does; a key of type 0x04 is a witness's alone (C2SP tlog-checkpoint).
    const key = splitVkey(text).typed[0] === 0x06 ? parseCosigner(text) : parseVkey(text);
    this.#claimKey('log', splitVkey(text).typed.subarray(1));
    this.#logs.push({ origin: key.name, key, ...(url !== undefined && { url: utf8(url) }) });
  }

  #witness([name, vkey, url, ...more]: readonly string[]): void {
    if (name === undefined || vkey === undefined || more.length > 0) {
      throw malformed('a witness has a name, a vkey and at most a URL');
    }
    const cosigner = parseCosigner(utf8(vkey));
    this.#claimKey('witness', cosigner.material);
    this.#name(name, { is: 'witness', name: utf8(name) });
    this.#witnesses.push({ name: utf8(name), cosigner, ...(url !== undefined && { url: utf8(url) }) });
  }

  #group([name, threshold, ...members]: readonly string[]): void {
    if (name === undefined || threshold === undefined || members.length === 0) {
      throw malformed('a group has a name, all, any or a number, and at least one member');
    }
    const needed = threshold === 'any' ? 1 : threshold === 'all' ? members.length : decimal(threshold);
    if (needed < 1 || needed > members.length) {
      throw malformed(`of ${members.length} members ${shown(threshold)} cannot be needed`);
    }
    const parts = members.map((member) => this.#member(member));
    this.#name(name, { is: 'group', name: utf8(name), needed, members: parts });
  }

  #member(name: string): Quorum {
    const found = this.#named.get(name);
    if (found === undefined) throw malformed(`no line before it defines ${shown(name)}`);
    if (this.#members.has(name)) throw malformed(`${shown(name)} is a member of a group already`);
    this.#members.add(name);
    return found;
  }

  #setQuorum([name, ...more]: readonly string[]): void {
    if (name === undefined || more.length > 0) throw malformed('a quorum has one name');
    if (this.#quorum !== undefined) throw malformed('a policy has one quorum');
    const found: Quorum | undefined = name === 'none' ? { is: 'none' } : this.#named.get(name);
    if (found === undefined) throw malformed(`no line before it defines ${shown(name)}`);
    this.#quorum = found;
  }

  #name(name: string, part: Quorum): void {
    if (name === 'none') throw malformed('the name none is taken');
    if (this.#named.has(name)) throw malformed(`${shown(name)} is defined already`);
    this.#named.set(name, part);
  }

  /** Two vkeys of one public key are duplicates, whatever their names. */
  #claimKey(kind: 'log' | 'witness', material: Uint8Array): void {
    const key = Buffer.from(material).toString('base64');
    if (this.#keys[kind].has(key)) throw malformed(`another ${kind} has the same key`);
    this.#keys[kind].add(key);
  }
}

/** True if cosignatures by these witnesses, by their names in the policy, are enough. */
export function isQuorum(quorum: Quorum, cosigned: ReadonlySet<string>): boolean {
  if (quorum.is === 'none') return true;
  if (quorum.is === 'witness') return cosigned.has(quorum.name);
  return quorum.members.filter((member) => isQuorum(member, cosigned)).length >= quorum.needed;
}

/** A witness that cosigned a checkpoint. */
export interface WitnessedBy {
  /** Its name within the policy. */
  readonly witness: string;
  /** The name of its key. */
  readonly key: string;
  /** Unix seconds. */
  readonly time: number;
}

/** A checkpoint, and who of a policy's witnesses cosigned it. */
export interface Witnessed {
  readonly checkpoint: Checkpoint;
  readonly by: readonly WitnessedBy[];
  /** True if the quorum is reached, and the log is one that the policy names, if it names any. */
  readonly isValid: boolean;
}

/**
 * Evaluates a policy for a signed checkpoint. If the policy names no log, the caller checks the log's own signature.
 *
 * @throws `malformed_note`, `malformed_checkpoint`; `bad_signature` if a known key's signature does not hold
 * @see C2SP tlog-policy, "What is a policy?"
 */
export function evaluatePolicy(policy: Policy, note: string): Witnessed {
  const { text, signatures } = parseNote(note);
  const checkpoint = parseCheckpoint(text);
  const cosigners = policy.witnesses.map(({ cosigner }) => cosigner);
  // A cosigner that states no time does not state that the tree is the largest it saw: no witness does that.
  const dated = cosignaturesOf(text, signatures, cosigners).filter(({ time }) => time > 0);
  const by = dated.map(({ cosigner, time }) => ({ witness: nameOf(policy, cosigner), key: cosigner.name, time }));
  const isKnown = policy.logs.length === 0 || policy.logs.some((log) => hasSigned(log, checkpoint, note));
  const isValid = isKnown && isQuorum(policy.quorum, new Set(by.map(({ witness }) => witness)));
  return { checkpoint, by, isValid };
}

function nameOf({ witnesses }: Policy, cosigner: Cosigner): string {
  const found = witnesses.find((witness) => witness.cosigner === cosigner);
  if (found === undefined) throw new RangeError('a cosigner that is not of the policy');
  return found.name;
}

function hasSigned({ origin, key }: PolicyLog, checkpoint: Checkpoint, note: string): boolean {
  if (origin !== checkpoint.origin) return false;
  const { text, signatures } = parseNote(note);
  if ('timeOf' in key) return cosignaturesOf(text, signatures, [key]).length > 0;
  if (!signatures.some(({ name, keyId }) => name === key.name && keyId === key.keyId)) return false;
  return openNote(note, [key]).verified.length > 0;
}

/** Who cosigned a checkpoint and when, for people: `W1 (2026-11-30T12:00:00Z)`. */
export const witnessedText = (by: readonly WitnessedBy[]): string =>
  by.map(({ witness, time }) => `${witness} (${timeText(time)})`).join(', ');

/** @param seconds Unix seconds from elsewhere: a Date holds no more than 8.64e12 */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z');
}

const utf8 = (latin1: string): string => fromUtf8(Buffer.from(latin1, 'latin1'), 'malformed_policy', 'a name');

/** A name as a message shows it; names are octets, and need not be UTF-8. */
const shown = (latin1: string): string => JSON.stringify(Buffer.from(latin1, 'latin1').toString().slice(0, 100));

function decimal(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw malformed(`${shown(text)} is not all, any or a number`);
  return Number(text);
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_policy', message);
