import type { Receipt } from '../../contract/receipt.ts';
import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import { fromBase64, fromHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash, sameBytes } from '../../log/hash.ts';
import { isCount, isObject } from '../../log/json.ts';
import { parseNote, type Verifier } from '../../log/note.ts';
import { parseRecord } from '../../log/record.ts';
import { checkRange } from '../../log/tree.ts';

export type { Receipt } from '../../contract/receipt.ts';
export type { WitnessedHead, WitnessedResult } from '../../contract/witnessed-head.ts';
// For receipts whose trail must be under witnesses too.
export { checkWitnessedHead, readWitnessedHead } from '../../contract/witnessed-head.ts';

/**
 * The public keys that the caller trusts for a checkpoint.
 *
 * @param origin `<log name>/<trail>`, the name that the keys have
 * @param size the checkpoint's, in records
 */
export type Trust = (origin: string, size: number) => readonly Verifier[];

/** The request, to compare the receipt with. */
export interface Sent {
  readonly trail: string;
  readonly count: number;
}

/**
 * Checks that a receipt is for what was sent and that it proves what it says: consecutive records, each line of which
 * hashes to its leaf, all of them under a checkpoint that the log's key signed.
 *
 * @returns the checkpoint that covers the events, or undefined for a receipt that is not sealed yet
 * @throws `proof_mismatch` (with the reason as `cause` where it came from deeper) and `bad_signature`: do not trust
 *   this receipt, and keep it
 *
 * @example
 * const keys = [parseVkey(vkey)];
 * const checkpoint = checkReceipt(readReceipt(kept), { trail: 'orders', count: 1 }, () => keys);
 */
export function checkReceipt(receipt: Receipt, sent: Sent, trust: Trust): Checkpoint | undefined {
  if (receipt.trail !== sent.trail) throw wrong(`it is for the trail ${receipt.trail}, not ${sent.trail}`);
  if (receipt.count !== sent.count || receipt.events.length !== sent.count) {
    throw wrong(`it is for ${receipt.events.length} events, and ${sent.count} were sent`);
  }
  const leaves = receipt.events.map(({ seq, hash }, i) => {
    if (seq !== receipt.first + i) throw wrong(`event ${i} is record ${seq}, where ${receipt.first + i} was due`);
    return fromHex(hash, 'proof_mismatch', `${RECEIPT}the hash of record ${seq}`);
  });
  checkLines(receipt, leaves);
  if (!receipt.sealed) return undefined;
  if (receipt.checkpoint === undefined || receipt.proof === undefined) {
    throw wrong('it claims to be sealed, and has no checkpoint or no proof');
  }
  const proof = receipt.proof.map((hash) => fromBase64(hash, 'proof_mismatch', `${RECEIPT}a hash of its proof`));
  const note = receipt.checkpoint;
  const checkpoint = judging(RECEIPT, () => checkpointOf(note, receipt.trail, trust));
  judging(RECEIPT, () => checkRange(leaves, receipt.first, checkpoint.size, proof, checkpoint.root));
  return checkpoint;
}

/** The lines must be the records that the receipt speaks of, in the trail and order that it says. */
function checkLines(receipt: Receipt, leaves: readonly Uint8Array[]): void {
  const { lines } = receipt;
  if (lines === undefined) return;
  if (lines.length !== leaves.length) throw wrong(`it holds ${lines.length} lines for ${leaves.length} events`);
  for (const [i, line] of lines.entries()) {
    const leaf = leaves[i];
    const event = receipt.events[i];
    const record = judging(RECEIPT, () => parseRecord(line));
    const seq = receipt.first + i;
    if (leaf === undefined || !sameBytes(leafHash(line), leaf))
      throw wrong(`the line of record ${seq} has another hash`);
    if (record.trail !== receipt.trail || record.seq !== seq || record.event.id !== event?.id) {
      throw wrong(`the line of record ${seq} is that of another record`);
    }
  }
}

/**
 * Opens a checkpoint of a trail with the keys that are trusted for it.
 *
 * @throws `bad_signature` where no trusted key signed it, `proof_mismatch` where it is no checkpoint of this trail
 *
 * @example
 * const { size, root } = checkpointOf(kept.checkpoint, 'orders', () => [parseVkey(vkey)]);
 */
export function checkpointOf(note: string, trail: string, trust: Trust): Checkpoint {
  return judging('', () => {
    // Not to be believed before openCheckpoint has said so: it only tells which keys to look for.
    const { origin, size } = parseCheckpoint(parseNote(note).text);
    if (!origin.endsWith(`/${trail}`)) {
      throw new SealtrailError('proof_mismatch', `the checkpoint is of ${origin}, which is not the trail ${trail}`);
    }
    return openCheckpoint(note, origin, trust(origin, size));
  });
}

const RECEIPT = 'the receipt is wrong: ';

/** Runs a check of evidence: whatever is wrong with it, the verdict is that it does not prove anything. */
function judging<T>(prefix: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof SealtrailError) || cause.code === 'bad_signature') throw cause;
    throw new SealtrailError('proof_mismatch', `${prefix}${cause.message}`, { cause });
  }
}

const wrong = (reason: string): SealtrailError => new SealtrailError('proof_mismatch', `${RECEIPT}${reason}`);

/**
 * Reads a receipt from a server's answer.
 *
 * @throws `proof_mismatch` where it does not have the shape of one
 *
 * @example const { trail, first, count } = readReceipt(kept);
 */
export function readReceipt(value: unknown): Receipt {
  if (!isReceipt(value)) throw wrong('it does not have the shape of a receipt');
  return value;
}

function isReceipt(value: unknown): value is Receipt {
  if (!isObject(value)) return false;
  const { trail, first, count, receivedAt, events, sealed, checkpoint, proof, replayed, lines } = value;
  return (
    typeof trail === 'string' &&
    [first, count, receivedAt].every(isCount) &&
    Array.isArray(events) &&
    events.every((event) => isObject(event) && isCount(event.seq) && isText(event.id) && isText(event.hash)) &&
    typeof sealed === 'boolean' &&
    (checkpoint === undefined || isText(checkpoint)) &&
    (proof === undefined || (Array.isArray(proof) && proof.every(isText))) &&
    typeof replayed === 'boolean' &&
    (lines === undefined || (Array.isArray(lines) && lines.every(isText)))
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
