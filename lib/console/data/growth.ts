import { SealtrailError } from '../../log/error.ts';
import type { TrustedKeys } from '../../verify/evidence/trust.ts';
import { openTrusted, type ProvenCheckpoint } from '../../verify/evidence/trusted-note.ts';
import { checkConsistencyFile } from '../../verify/files/proof-file.ts';
import { settled } from '../platform/signatures.ts';
import { type Api, ApiError } from './api.ts';
import type { Memory } from './memory.ts';
import { Refused } from './refused.ts';

/** How a checkpoint relates to the one that this browser saw before. */
export type Growth = { readonly is: 'first' } | { readonly is: 'same' | 'grown' | 'older'; readonly before: number };

/**
 * Holds a checkpoint against the one that was kept from earlier, and keeps the newer of the two.
 *
 * @param note of the checkpoint, which has been checked
 * @throws Refused: the log forgot records or shows another history; ApiError
 */
export async function growthSince(
  api: Api,
  trail: string,
  note: string,
  { origin, size, root }: ProvenCheckpoint,
  { trust, memory }: { readonly trust: TrustedKeys; readonly memory: Memory },
): Promise<Growth> {
  const kept = memory.checkpointOf(origin);
  const before = kept === undefined ? undefined : await settled(() => openedOr(kept, trust));
  if (kept === undefined || before === undefined) {
    memory.keepCheckpoint(origin, note);
    return { is: 'first' };
  }
  if (before.size === size) {
    if (before.root === root) return { is: 'same', before: size };
    throw new Refused(FORK, { kept, note });
  }
  const [older, newer] = before.size < size ? [before.size, size] : [size, before.size];
  const text = await consistency(api, trail, older, newer, { kept, note });
  const [first, second] = before.size < size ? [kept, note] : [note, kept];
  try {
    // Both ends are held to the notes that were seen: a proof between other checkpoints says nothing of these.
    const { to } = await settled(() => checkConsistencyFile(text, trust, first));
    const expected = await settled(() => openTrusted(second, trust).proven);
    if (to.size !== expected.size || to.root !== expected.root) throw new SealtrailError('proof_mismatch', FORK);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw new Refused(`${FORK}: ${error.message}`, { kept, note, consistency: text });
  }
  if (before.size > size) return { is: 'older', before: before.size };
  memory.keepCheckpoint(origin, note);
  return { is: 'grown', before: before.size };
}

const FORK = 'the log shows another history than this browser saw before';

/** A note that was signed by keys which are trusted no more says nothing. */
function openedOr(note: string, trust: TrustedKeys): ProvenCheckpoint | undefined {
  try {
    return openTrusted(note, trust).proven;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}

async function consistency(
  api: Api,
  trail: string,
  from: number,
  to: number,
  evidence: Readonly<Record<string, unknown>>,
): Promise<string> {
  try {
    const query = Object.entries({ from, to }).map(([name, size]): [string, string] => [name, String(size)]);
    return (await api.get(`/v1/trails/${trail}/consistency`, query)).text;
  } catch (error) {
    // A log that signed a checkpoint and does not know it any more has lost records, or is another one.
    if (error instanceof ApiError && error.status === 404) {
      const lost = `the log no longer has the checkpoint of ${Math.max(from, to)} records that this browser saw`;
      throw new Refused(`${lost}: it was rolled back`, { ...evidence, problem: error.message });
    }
    throw error;
  }
}
