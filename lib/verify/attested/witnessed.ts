import { checkpointName, witnessedName } from '../../log/archive.ts';
import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import { evaluatePolicy, type Policy, type WitnessedBy } from '../../log/policy.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { TrailInventory } from '../evidence/inventory.ts';
import { type Expectation, judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import type { Findings } from '../report/findings.ts';

/** A checkpoint of `_heads` that a policy's witnesses have cosigned. */
export interface WitnessedCheckpoint {
  readonly size: number;
  readonly by: readonly WitnessedBy[];
}

/**
 * Reads the archived checkpoints with cosignatures: each must be signed by the log and have the text of the archived checkpoint
 * of its size, whose root the records must give.
 *
 * @param policy undefined: cosignatures are not judged
 * @returns the largest that the policy's quorum has cosigned
 */
export async function readWitnessed(
  { trail, witnessed }: TrailInventory,
  evidence: Evidence,
  expected: Omit<Expectation, 'size'>,
  policy: Policy | undefined,
  findings: Findings,
): Promise<WitnessedCheckpoint | undefined> {
  let newest: WitnessedCheckpoint | undefined;
  for (const size of witnessed.toReversed()) {
    const object = witnessedName(trail, size);
    const bytes = await evidence.read(object, trail, 'missing_checkpoint');
    if (bytes === undefined) continue;
    const { checkpoint, trusted, flaws } = judgeCheckpoint(bytes, { ...expected, size });
    for (const { kind, message } of flaws) findings.add({ kind, trail, object, message });
    if (checkpoint === undefined || !trusted) continue;
    const plain = await evidence.read(checkpointName(trail, size), trail);
    if (plain === undefined || textOf(plain) !== textOf(bytes)) {
      const message = `it is not the archived checkpoint of size ${size} with more signatures`;
      findings.add({ kind: 'misplaced_checkpoint', trail, object, message });
    } else if (policy !== undefined && newest === undefined) {
      newest = judgeCosigned(policy, bytes, { trail, object, size }, findings);
    }
  }
  return newest;
}

function judgeCosigned(
  policy: Policy,
  bytes: Uint8Array,
  { trail, object, size }: { readonly trail: string; readonly object: string; readonly size: number },
  findings: Findings,
): WitnessedCheckpoint | undefined {
  try {
    const { isValid, by } = evaluatePolicy(policy, Buffer.from(bytes).toString());
    return isValid ? { size, by } : undefined;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    findings.add({ kind: 'bad_signature', trail, object, message: error.message });
    return undefined;
  }
}

/** The signed text; undefined for bytes that are no note. */
function textOf(note: Uint8Array): string | undefined {
  try {
    return parseNote(fromUtf8(note, 'malformed_note', 'the note')).text;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}
