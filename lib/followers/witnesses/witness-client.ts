import { hash } from 'node:crypto';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { type Cosigner, cosignaturesOf } from '../../log/cosignature.ts';
import { fromDecimal, toBase64 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Hash } from '../../log/hash.ts';
import { formatSignatureLine, parseNote } from '../../log/note.ts';

/** An answer over HTTP, cut to the bytes that are allowed. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request. @throws when there is no answer in time, or one that is too long */
export type Send = (url: string, body: string | undefined) => Promise<HttpAnswer>;

/** The result of asking a witness. */
export type WitnessOutcome =
  /** It cosigned: its line, which holds. */
  | { readonly is: 'cosigned'; readonly line: string }
  /** Another process has brought it further than this checkpoint. */
  | { readonly is: 'newer'; readonly size: number }
  | { readonly is: 'failed'; readonly reason: string }
  /** It holds what this log never signed, or has forgotten what it cosigned. */
  | { readonly is: 'conflict'; readonly conflict: Conflict };

/** A contradiction between a witness and the log. */
export interface Conflict {
  /**
   * `ahead`: it cosigned more records than the log has: the log was rolled back. `forked`: what it cosigned is no beginning of
   * the log. `forgot`: it says that it cosigned less than the log holds cosignatures for.
   */
  readonly kind: 'ahead' | 'forked' | 'forgot';
  /** The size that it says it cosigned. */
  readonly size: number;
  /** The checkpoint it shows monitors, with its cosignature, if available. */
  readonly evidence?: string;
}

/** The request to cosign a checkpoint. */
export interface Question {
  readonly cosigner: Cosigner;
  /** The submission prefix. */
  readonly url: string;
  /** The checkpoint with the log's signatures. */
  readonly note: string;
  /** The size that it cosigned last, as far as the log knows. */
  readonly known: number;
  /** A consistency proof to the checkpoint. */
  readonly proofFrom: (size: number) => Promise<readonly Hash[]>;
  /** Records that the log has now. */
  readonly headSize: () => Promise<number>;
}

/** A witness is asked again with the size that it names, so often at most. */
const MAX_ATTEMPTS = 3;

/**
 * Asks a witness to cosign a checkpoint. Never throws for what the witness does.
 *
 * @throws the errors of the ledger
 * @see C2SP tlog-witness, "add-checkpoint"
 */
export async function askWitness(question: Question, send: Send): Promise<WitnessOutcome> {
  const { note, known, proofFrom } = question;
  const { size } = parseCheckpoint(parseNote(note).text);
  let old = Math.min(known, size);
  for (let tries = 0; tries < MAX_ATTEMPTS; tries++) {
    const proof = old === size ? [] : await proofFrom(old);
    const answer = await post(question, old, proof, send);
    if ('failed' in answer) return { is: 'failed', reason: answer.failed };
    if (answer.status === 200) return judgeLines(question, answer.body);
    // The proof is right by our tree, so the witness has another one.
    if (answer.status === 422 && old > 0) return findConflict(question, 'forked', old, send);
    if (answer.status !== 409) return { is: 'failed', reason: refusalText(answer) };
    const has = sizeOf(answer.body);
    if (has === undefined || has === old) return { is: 'failed', reason: 'it answered 409 without another size' };
    const settled = await judgeSize(question, has, size, send);
    if (settled !== undefined) return settled;
    old = has;
  }
  return { is: 'failed', reason: 'it named another size each time' };
}

/** The meaning of a witness's other size; undefined: ask again, from there. */
async function judgeSize(
  question: Question,
  has: number,
  size: number,
  send: Send,
): Promise<WitnessOutcome | undefined> {
  if (has < question.known) return findConflict(question, 'forgot', has, send);
  if (has <= size) return undefined;
  return has > (await question.headSize()) ? findConflict(question, 'ahead', has, send) : { is: 'newer', size: has };
}

async function post(
  { url, note }: Question,
  old: number,
  proof: readonly Hash[],
  send: Send,
): Promise<HttpAnswer | { readonly failed: string }> {
  const body = `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`;
  try {
    return await send(`${withSlash(url)}add-checkpoint`, body);
  } catch (error) {
    return { failed: reasonOf(error) };
  }
}

/** The one line by the witness's own key: whatever else it sends is ignored. */
function judgeLines({ cosigner, note }: Question, lines: string): WitnessOutcome {
  const { text } = parseNote(note);
  try {
    const { signatures } = parseNote(`${text}\n${lines}`);
    const [found] = cosignaturesOf(text, signatures, [cosigner]);
    const line = signatures.find(({ name, keyId }) => name === cosigner.name && keyId === cosigner.keyId);
    if (found === undefined || line === undefined) return { is: 'failed', reason: 'its answer has no line by its key' };
    if (found.time === 0) return { is: 'failed', reason: 'its cosignature has no time' };
    return { is: 'cosigned', line: formatSignatureLine(line) };
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return { is: 'failed', reason: `its answer is no cosignature: ${error.message}` };
  }
}

async function findConflict(
  question: Question,
  kind: Conflict['kind'],
  size: number,
  send: Send,
): Promise<WitnessOutcome> {
  const evidence = await evidenceFrom(question, send);
  return { is: 'conflict', conflict: { kind, size, ...(evidence !== undefined && { evidence }) } };
}

/** Longer ones than checkpoints are. */
const MAX_EVIDENCE = 6_000;

/** The checkpoint that the witness shows monitors, if it does and it is cosigned by it. */
async function evidenceFrom({ cosigner, url, note }: Question, send: Send): Promise<string | undefined> {
  const { origin } = parseCheckpoint(parseNote(note).text);
  try {
    const { status, body } = await send(`${withSlash(url)}${hash('sha256', origin, 'hex')}/checkpoint`, undefined);
    if (status !== 200 || body.length > MAX_EVIDENCE) return undefined;
    const { text, signatures } = parseNote(body);
    return cosignaturesOf(text, signatures, [cosigner]).length > 0 ? body : undefined;
  } catch {
    // Not every witness has this, and the conflict stands without it.
    return undefined;
  }
}

function sizeOf(body: string): number | undefined {
  try {
    return fromDecimal(body.replace(/\n$/, ''), 'malformed_proof', 'the size');
  } catch {
    return undefined; // a number is wanted, and anything else is none
  }
}

const REFUSALS: Readonly<Record<number, string>> = {
  403: 'it does not accept the signature of the log',
  404: 'it does not know the log: give its operator the vkey of _heads',
  429: 'it is asked too often',
};

const refusalText = ({ status, body }: HttpAnswer): string =>
  `${REFUSALS[status] ?? 'it refused the checkpoint'} (${status} ${JSON.stringify(body.slice(0, 100))})`;

/** @param error of `fetch`, whose cause says more */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message.slice(0, 200) : String(cause).slice(0, 200);
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);
