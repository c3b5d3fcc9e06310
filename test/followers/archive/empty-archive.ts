import { checkpointName, newestCheckpointName } from '../../../lib/log/archive.ts';
import type { Objects } from '../../../lib/store/ports.ts';

/**
 * Writes the archive of a trail without a record, to try verifiers on it. The log never does: a trail begins with its
 * first record.
 *
 * @param note a signed checkpoint of size 0
 */
export async function writeEmptyArchive(objects: Objects, trail: string, note: string): Promise<void> {
  await objects.put(checkpointName(trail, 0), Buffer.from(note));
  await objects.replace(newestCheckpointName(trail), Buffer.from(note));
}
