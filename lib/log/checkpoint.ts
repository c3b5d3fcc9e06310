import { fromBase64, fromDecimal, toBase64 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES, type Hash, sameBytes } from './hash.ts';
import { openNote, type Verifier } from './note.ts';

/** The state of a tree as a checkpoint states it. */
export interface Checkpoint {
  /** `<log name>/<trail>`; the name of the log's keys. */
  readonly origin: string;
  /** Leaves in the tree. */
  readonly size: number;
  readonly root: Hash;
  /** Opaque lines after the root; absent if there are none. */
  readonly extensions?: readonly string[];
}

/**
 * The text of a checkpoint, ready to be signed as a note.
 *
 * @see C2SP tlog-checkpoint, "Note text"
 * @example formatCheckpoint({ origin: 'audit.example.com/orders', size: 0, root: EMPTY_ROOT })
 */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  const lines = [origin, String(size), toBase64(root), ...extensions];
  if (!Number.isSafeInteger(size) || size < 0) throw malformed(`a checkpoint cannot have the size ${size}`);
  if (root.length !== HASH_BYTES) throw malformed('the root of a checkpoint has 32 bytes');
  if (lines.some((line) => line === '' || line.includes('\n')))
    throw malformed('the lines of a checkpoint are not empty');
  return `${lines.join('\n')}\n`;
}

/**
 * Parses the text of a checkpoint, without checking who wrote it.
 *
 * @throws `malformed_checkpoint`
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw malformed('a checkpoint ends with a newline');
  const [origin = '', size = '', encoded = '', ...extensions] = text.slice(0, -1).split('\n');
  if (origin === '' || extensions.includes('')) throw malformed('the lines of a checkpoint are not empty');
  const root = fromBase64(encoded, 'malformed_checkpoint', 'the root hash');
  if (root.length !== HASH_BYTES) throw malformed('the root of a checkpoint has 32 bytes');
  const checkpoint = { origin, size: fromDecimal(size, 'malformed_checkpoint', 'the size'), root };
  // RFC 6962 section 2.1: the hash of an empty list is the hash of an empty string, so any other root is a lie.
  if (checkpoint.size === 0 && !sameBytes(root, EMPTY_ROOT)) throw malformed('an empty tree has another root');
  return extensions.length === 0 ? checkpoint : { ...checkpoint, extensions };
}

/**
 * Opens a signed checkpoint of one log.
 *
 * @param origin what its first line must be
 * @param verifiers the trusted keys; their name is the origin
 * @throws `malformed_note`, `malformed_checkpoint`; `bad_signature`, also if the checkpoint belongs to another log
 */
export function openCheckpoint(note: string, origin: string, verifiers: readonly Verifier[]): Checkpoint {
  const { text } = openNote(
    note,
    verifiers.filter(({ name }) => name === origin),
  );
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== origin) {
    throw new SealtrailError('bad_signature', `the checkpoint is of ${checkpoint.origin}, not of ${origin}`);
  }
  return checkpoint;
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_checkpoint', message);
