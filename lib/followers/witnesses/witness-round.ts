import { type BackOff, pauseMs } from '../../base/backoff.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import { evaluatePolicy, type Policy, type PolicyWitness } from '../../log/policy.ts';
import { askWitness, type Conflict, type Question, type Send, type WitnessOutcome } from './witness-client.ts';
import { conflictText } from './witness-record.ts';
import type { WitnessMemory, WitnessState } from './witness-state.ts';

export { sendOverHttp } from './send.ts';

/** A witness that can be asked. */
export type ReachableWitness = PolicyWitness & { readonly url: string };

/** The dependencies of a round. */
export interface RoundOptions {
  readonly policy: Policy;
  readonly send: Send;
  /** Unix milliseconds. */
  readonly now: number;
  readonly proofFrom: Question['proofFrom'];
  readonly headSize: Question['headSize'];
}

/** The result of a round. */
export interface Round {
  readonly state: Omit<WitnessState, 'mark'>;
  /** The checkpoint with the cosignatures of this round and those before, once they are enough. */
  readonly note?: string;
  readonly conflicts: readonly { readonly witness: ReachableWitness; readonly conflict: Conflict }[];
}

const NEW: WitnessMemory = { size: 0, failures: 0, tryAt: 0 };
const BACK_OFF: BackOff = { firstMs: 2_000, maxMs: 60_000, jitter: 0.5 };
/** A witness that contradicts the log is asked so seldom: it may come to its senses, or its operator may. */
const CONFLICT_MS = 300_000;

/** The witnesses of a policy that have a URL. */
export const reachable = ({ witnesses }: Policy): readonly ReachableWitness[] =>
  witnesses.filter((witness): witness is ReachableWitness => witness.url !== undefined);

/** Those to be asked now for a checkpoint of a size, and when the first of the others is, Unix milliseconds. */
export function dueWitnesses(
  policy: Policy,
  { witnesses, pending }: Pick<WitnessState, 'witnesses' | 'pending'>,
  size: number,
  now: number,
): { readonly due: readonly ReachableWitness[]; readonly nextAt: number } {
  const missing = reachable(policy).filter(
    ({ cosigner: { vkey } }) => pending?.size !== size || pending.lines[vkey] === undefined,
  );
  const tryAt = ({ cosigner: { vkey } }: ReachableWitness): number => witnesses[vkey]?.tryAt ?? 0;
  const due = missing.filter((witness) => tryAt(witness) <= now);
  const nextAt = Math.min(...missing.filter((witness) => tryAt(witness) > now).map(tryAt));
  return { due, nextAt };
}

/** Asks all witnesses that are due at the same time: none waits for another. */
export async function runRound(
  checkpoint: string,
  due: readonly ReachableWitness[],
  before: WitnessState,
  options: RoundOptions,
): Promise<Round> {
  const { policy, send, now, proofFrom, headSize } = options;
  const { size } = parseCheckpoint(parseNote(checkpoint).text);
  const lines: Record<string, string> = before.pending?.size === size ? { ...before.pending.lines } : {};
  const witnesses: Record<string, WitnessMemory> = { ...before.witnesses };
  const conflicts: { witness: ReachableWitness; conflict: Conflict }[] = [];
  const ask = async (witness: ReachableWitness): Promise<void> => {
    const { cosigner, url, name } = witness;
    const known = witnesses[cosigner.vkey] ?? NEW;
    const question = { cosigner, url, note: checkpoint, known: known.size, proofFrom, headSize };
    const outcome = await askWitness(question, send);
    if (outcome.is === 'cosigned') lines[cosigner.vkey] = outcome.line;
    if (outcome.is === 'conflict') conflicts.push({ witness, conflict: outcome.conflict });
    witnesses[cosigner.vkey] = remembered(known, outcome, { size, now, name });
  };
  await Promise.all(due.map(ask));
  const note = noteWith(checkpoint, policy, lines);
  const { isValid } = evaluatePolicy(policy, note);
  const kept = { witnessedAt: before.witnessedAt, witnesses, ...(before.note !== undefined && { note: before.note }) };
  if (!isValid) return { state: { ...kept, size: before.size, pending: { size, lines } }, conflicts };
  return { state: { size, witnessedAt: now, witnesses, note }, note, conflicts };
}

/** The cosignatures in the order of the policy. */
function noteWith(checkpoint: string, policy: Policy, lines: Readonly<Record<string, string>>): string {
  return checkpoint + policy.witnesses.map(({ cosigner: { vkey } }) => lines[vkey] ?? '').join('');
}

function remembered(
  known: WitnessMemory,
  outcome: WitnessOutcome,
  { size, now, name }: { readonly size: number; readonly now: number; readonly name: string },
): WitnessMemory {
  if (outcome.is === 'cosigned') return { size, failures: 0, tryAt: 0 };
  if (outcome.is === 'newer') return { ...known, size: outcome.size };
  if (outcome.is === 'failed') {
    const failures = known.failures + 1;
    return { ...known, failures, tryAt: now + Math.ceil(pauseMs(failures, BACK_OFF)), error: outcome.reason };
  }
  const { kind, size: claimed } = outcome.conflict;
  // One that forgot goes on from what it knows; the record of it stays.
  const from = kind === 'forgot' ? claimed : known.size;
  const again = kind === 'forgot' ? now : now + CONFLICT_MS;
  return { ...known, size: from, tryAt: again, conflict: conflictText(name, outcome.conflict) };
}

/** True if a stored note is the same checkpoint as another, under enough cosignatures. */
export function isWitnessed(policy: Policy, stored: string, note: string): boolean {
  try {
    return parseNote(stored).text === parseNote(note).text && evaluatePolicy(policy, stored).isValid;
  } catch (error) {
    if (error instanceof SealtrailError) return false;
    throw error;
  }
}
