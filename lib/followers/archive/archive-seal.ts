import { bundleName, checkpointName, newestCheckpointName, tileName } from '../../log/archive.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash, sameBytes } from '../../log/hash.ts';
import { parseNote } from '../../log/note.ts';
import { encodeBundle, encodeTile, TILE_WIDTH } from '../../log/tile.ts';
import { type ArchiveStores, assertRoot, loadTiles, readStretch, retentionFrom } from './archive-records.ts';
import {
  type ArchiveState,
  readArchiveState,
  type SealPlan,
  type SignedCheckpoint,
  takeArchiveStep,
} from './archive-state.ts';
import { ArchiveWriter } from './archive-writer.ts';

/**
 * Carries out a plan to seal: writes the partial bundle and tiles at the archived size, then moves `<trail>/checkpoint`
 * there, so that tools which know nothing of this archive find a complete log (C2SP tlog-tiles) at any moment.
 *
 * After a crash the same call writes the same objects again; those that exist count as written.
 *
 * @throws `object_differs`: an alarm, see {@link putOnce}, or `<trail>/checkpoint` was not ours (and has been put
 *   right). `store_corrupt`: ledger, archiver and archive disagree.
 */
export async function archiveSeal(
  stores: ArchiveStores,
  trail: string,
  state: ArchiveState,
  { checkpoint }: SealPlan,
): Promise<void> {
  const tiles = await loadTiles(stores, trail, state);
  if (tiles === undefined) return; // another archiver has carried out the plan
  const bundle: Uint8Array[] = [];
  for await (const { lines } of readStretch(stores, trail, tiles.size, checkpoint.size)) {
    for (const text of lines) {
      const line = Buffer.from(text);
      bundle.push(line);
      tiles.add(leafHash(line));
    }
  }
  assertRoot(trail, tiles, checkpoint);

  const writer = new ArchiveWriter(stores.objects, trail, await retentionFrom(stores, trail));
  if (bundle.length > 0) {
    const index = Math.floor(checkpoint.size / TILE_WIDTH);
    await writer.put(bundleName(trail, index, bundle.length), encodeBundle(bundle));
  }
  for (const { tile, hashes } of tiles.partial()) await writer.put(tileName(trail, tile), encodeTile(hashes));
  // A crash before this leaves partial tiles that no checkpoint refers to yet. `<trail>/checkpoint` is still the old
  // one, and complete.
  await writer.settle();
  const before = await publish(stores, trail, checkpoint);
  // The alarm first: after the step it would be lost. The plan is still there for the next run.
  if (before === 'forged') throw notOurs(trail);
  // After a crash here the new checkpoint stands, with all that it needs; the next run finds it and comes here again.
  const step = { sealed: checkpoint, plan: undefined, unsealedSince: undefined };
  const taken = before !== 'newer' && (await takeArchiveStep(stores.table, state, step));
  if (!taken) await yieldToOther(stores, trail, state);
}

/** Sees to it that `<trail>/checkpoint` is the one that was sealed last, whatever has happened to it since. */
export async function republish(stores: ArchiveStores, trail: string, sealed: SignedCheckpoint): Promise<void> {
  if ((await publish(stores, trail, sealed)) === 'forged') throw notOurs(trail);
}

/**
 * Makes sure, before anything is added, that the archive has come exactly as far as the state says: going on from
 * further ahead would leave a gap, and from further back would add what is there already, cut differently. Neither
 * could ever be undone.
 *
 * @throws `store_corrupt` when it has not
 */
export async function assertInStep(stores: ArchiveStores, trail: string, state: ArchiveState): Promise<void> {
  const { size, sealed } = state;
  if (size > 0 && (await stores.objects.get(checkpointName(trail, size))) === undefined) {
    const message = `the archive of trail ${trail} has no checkpoint of size ${size}, up to which the archiver says it is written`;
    throw new SealtrailError('store_corrupt', message);
  }
  const newest = await stores.objects.get(newestCheckpointName(trail));
  const standing = await judge(stores, trail, newest, { size, note: sealed?.note ?? '' });
  if (standing === 'newer') await assertOther(stores, trail, state);
}

/** The checkpoint found at `<trail>/checkpoint`. `newer`: it stands there still. */
type Standing = 'none' | 'same' | 'older' | 'newer' | 'forged';

async function publish(stores: ArchiveStores, trail: string, checkpoint: SignedCheckpoint): Promise<Standing> {
  const { objects } = stores;
  const name = newestCheckpointName(trail);
  const bytes = Buffer.from(checkpoint.note);
  const standing = await judge(stores, trail, await objects.get(name), checkpoint);
  if (standing === 'same' || standing === 'newer') return standing;
  await objects.replace(name, bytes, await retentionFrom(stores, trail));
  return standing;
}

async function judge(
  { objects }: ArchiveStores,
  trail: string,
  bytes: Uint8Array | undefined,
  { size, note }: SignedCheckpoint,
): Promise<Standing> {
  if (bytes === undefined) return 'none';
  if (sameBytes(bytes, Buffer.from(note))) return 'same';
  let found: number;
  try {
    found = parseCheckpoint(parseNote(Buffer.from(bytes).toString()).text).size;
  } catch {
    return 'forged'; // not even a checkpoint
  }
  // Whatever was sealed had been archived before, byte by byte.
  const archived = await objects.get(checkpointName(trail, found));
  if (archived === undefined || !sameBytes(archived, bytes)) return 'forged';
  return found > size ? 'newer' : 'older';
}

/**
 * After another archiver has completed the plan: it may have sealed again since, and this one may just have put the
 * earlier checkpoint over the later one.
 */
async function yieldToOther(stores: ArchiveStores, trail: string, state: ArchiveState): Promise<void> {
  const { sealed } = await assertOther(stores, trail, state);
  if (sealed !== undefined) await republish(stores, trail, sealed);
}

/** @throws `store_corrupt` when there was no other archiver that moved the state on */
async function assertOther({ table }: ArchiveStores, trail: string, state: ArchiveState): Promise<ArchiveState> {
  const now = await readArchiveState(table, trail);
  if (now.watermark.revision !== state.watermark.revision) return now;
  const message = `the archive of trail ${trail} is sealed beyond what the archiver knows of: was the table restored from an older copy?`;
  throw new SealtrailError('store_corrupt', message);
}

const notOurs = (trail: string): SealtrailError => {
  const name = newestCheckpointName(trail);
  return new SealtrailError('object_differs', `${name} was not a checkpoint that the log had sealed; it was replaced`);
};
