import { checkpointName, newestCheckpointName } from '../../log/archive.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import type { Objects } from '../../store/ports.ts';
import { readOutcome } from '../evidence/evidence.ts';
import type { Inventory, TrailInventory } from '../evidence/inventory.ts';
import { judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import { isKeyName, keysOfTrail, logNameOf, type TrustedKeys } from '../evidence/trust.ts';
import type { Report } from '../report/report.ts';

/** The part of every origin before the trail, and where it was learnt. */
export interface LogName {
  readonly name: string;
  readonly from: NonNullable<Report['logNameFrom']>;
}

/**
 * Finds the name of the log, which all checkpoints of the archive must then agree on: as it was given; else as the
 * trusted vkeys have it; else that of the first checkpoint signed by a trusted PEM, or failing that of any.
 */
export async function findLogName(
  objects: Objects,
  inventory: Inventory,
  trust: TrustedKeys,
  given: string | undefined,
): Promise<LogName | undefined> {
  if (given !== undefined) return { name: given, from: 'given' };
  const fromKeys = logNameOf(trust);
  if (fromKeys !== undefined) return { name: fromKeys, from: 'keys' };
  let unproven: string | undefined;
  for (const trail of inventory.trails.values()) {
    for await (const { origin, trusted } of origins(objects, trail, trust)) {
      if (!isKeyName(origin) || !origin.endsWith(`/${trail.trail}`)) continue;
      const name = origin.slice(0, -trail.trail.length - 1);
      if (trusted) return { name, from: 'archive' };
      unproven ??= name;
    }
  }
  return unproven === undefined ? undefined : { name: unproven, from: 'archive' };
}

/** The origins of the published and the newest archived checkpoint of a trail. */
async function* origins(
  objects: Objects,
  { trail, checkpoints }: TrailInventory,
  trust: TrustedKeys,
): AsyncGenerator<{ readonly origin: string; readonly trusted: boolean }, void, void> {
  const newest = checkpoints.at(-1);
  const names = [newestCheckpointName(trail), ...(newest === undefined ? [] : [checkpointName(trail, newest)])];
  for (const name of names) {
    const bytes = await readOutcome(objects.get(name));
    if (!(bytes instanceof Uint8Array)) continue;
    const origin = originOf(bytes);
    if (origin === undefined) continue;
    const { trusted } = judgeCheckpoint(bytes, { origin, trusted: keysOfTrail(trust, origin, trail), known: [] });
    yield { origin, trusted };
  }
}

function originOf(note: Uint8Array): string | undefined {
  try {
    return parseCheckpoint(parseNote(Buffer.from(note).toString()).text).origin;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}
