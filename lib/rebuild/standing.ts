import { readHead } from '../ledger/commit.ts';
import type { Head } from '../ledger/items/head.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { checkpointName } from '../log/archive.ts';
import { SealtrailError } from '../log/error.ts';
import { leafHash, sameBytes } from '../log/hash.ts';
import type { Objects, Table } from '../store/ports.ts';
import { archivedLines, archivedRecords } from './archived-lines.ts';

/** How a trail in the Table stands to its archive. */
export interface Standing {
  readonly trail: string;
  readonly head: Head;
  /** Records in the archive. */
  readonly archived: number;
  /** The newest archived checkpoint, which covers all of them but for what an archiver was just adding. */
  readonly checkpoint: { readonly size: number; readonly note: string } | undefined;
  /** The size of the newest checkpoint that is known: archived, or in the Table. */
  readonly signed: number;
  /**
   * `whole`: the Table holds all that was archived. `behind`: the archive goes on from what the Table holds. `differs`: the Table
   * holds other records than the archive, or a checkpoint of more than it holds.
   */
  readonly state: 'whole' | 'behind' | 'differs';
}

/** Where to look. */
export interface StandingSources {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'checkpoint' | 'record'>;
}

/**
 * Holds a trail against its archive. A record names the hash of the one before, so where one is the same, all before it are.
 *
 * @throws `archive_damaged` naming an object; the errors of the stores
 */
export async function readStanding({ table, objects, ledger }: StandingSources, trail: string): Promise<Standing> {
  const head = await readHead(table, trail);
  const archived = await archivedRecords(objects, trail);
  const checkpoint = await newestCheckpoint(objects, trail);
  const stored = (await ledger.checkpoint(trail))?.size ?? 0;
  const known = { trail, head, archived, checkpoint, signed: Math.max(stored, checkpoint?.size ?? 0) };
  if (head.size >= archived) {
    // A checkpoint that an interrupted rebuild has put there is of the archived records.
    const isSigned = stored > head.size;
    const isSame =
      archived === 0 || (await lineAt(objects, trail, archived - 1)) === (await ledger.record(trail, archived - 1));
    return { ...known, state: isSame && !isSigned ? 'whole' : 'differs' };
  }
  const isSigned = stored > archived;
  const last = head.size === 0 ? undefined : leafHash(await lineAt(objects, trail, head.size - 1));
  const goesOn = last === undefined || sameBytes(last, head.last);
  return { ...known, state: goesOn && !isSigned ? 'behind' : 'differs' };
}

async function lineAt(objects: Objects, trail: string, seq: number): Promise<string> {
  for await (const [first] of archivedLines(objects, trail, seq)) if (first !== undefined) return first.line;
  throw new SealtrailError('archive_damaged', `record ${seq} of trail ${trail} is in no segment`);
}

async function newestCheckpoint(objects: Objects, trail: string): Promise<Standing['checkpoint']> {
  let size = 0;
  for await (const one of archivedSizes(objects, trail)) size = Math.max(size, one);
  const note = await objects.get(checkpointName(trail, size));
  return note === undefined ? undefined : { size, note: Buffer.from(note).toString() };
}

/** The sizes of all archived checkpoints of a trail, in no order. */
export async function* archivedSizes(objects: Objects, trail: string): AsyncGenerator<number, void, void> {
  for await (const { key } of objects.list(`${trail}/checkpoints/`)) {
    const size = Number(key.slice(key.lastIndexOf('/') + 1));
    if (Number.isSafeInteger(size) && size > 0) yield size;
  }
}
