import { prepare, settle } from '../ledger/attempt.ts';
import { packSubmissions, readHead } from '../ledger/commit.ts';
import type { Head } from '../ledger/items/head.ts';
import { SealtrailError } from '../log/error.ts';
import { leafHash, sameBytes } from '../log/hash.ts';
import type { Table } from '../store/ports.ts';
import type { ArchivedLine } from './archived-lines.ts';

/** Records of a block, and bytes of their events: as an append has them at most. */
const MAX_RECORDS = 1000;
const MAX_BYTES = 3_000_000;

/**
 * Puts records at the end of a trail in the Table, as they are: those of one time as one block, in a transaction each, as appends do.
 * What was put in before a crash is found there and passed over.
 *
 * @param batches consecutive records, from the trail's head or before
 * @returns how many it put there
 * @throws `store_corrupt` where a record does not follow the one before; the Table's errors
 */
export async function importRecords(
  table: Table,
  trail: string,
  batches: AsyncIterable<readonly ArchivedLine[]>,
): Promise<number> {
  let head = await readHead(table, trail);
  const before = head.size;
  for await (const batch of batches) {
    const fresh = batch.filter(({ record }) => record.seq >= head.size);
    for (const block of blocksOf(fresh)) head = await putBlock(table, head, block);
  }
  return head.size - before;
}

function* blocksOf(lines: readonly ArchivedLine[]): Generator<readonly ArchivedLine[], void, void> {
  let block: ArchivedLine[] = [];
  let bytes = 0;
  for (const one of lines) {
    const isOther = block[0] !== undefined && block[0].record.receivedAt !== one.record.receivedAt;
    if (isOther || block.length >= MAX_RECORDS || bytes + one.line.length > MAX_BYTES) {
      yield block;
      block = [];
      bytes = 0;
    }
    block.push(one);
    bytes += one.line.length;
  }
  if (block.length > 0) yield block;
}

async function putBlock(table: Table, head: Head, lines: readonly ArchivedLine[]): Promise<Head> {
  const { trail } = head;
  const receivedAt = lines[0]?.record.receivedAt ?? 0;
  const submissions = submissionsOf(lines);
  const context = { table, trail, now: () => receivedAt };
  const attempt = prepare(context, head, submissions, await packSubmissions(submissions));
  const isSame = lines.every(({ line }, at) => {
    const leaf = attempt.block.leaves[at];
    return leaf !== undefined && sameBytes(leaf, leafHash(line));
  });
  if (!isSame) {
    throw new SealtrailError('store_corrupt', `trail ${trail} cannot go on with the archived record ${head.size}`);
  }
  const outcome = await settle(context, attempt);
  if (outcome !== 'clashed' && outcome.committed) return attempt.to;
  throw new SealtrailError('in_use', `something else appends to trail ${trail}`);
}

interface Submitted {
  readonly submitter: string;
  readonly events: { readonly json: string }[];
}

function submissionsOf(lines: readonly ArchivedLine[]): readonly Submitted[] {
  const found: Submitted[] = [];
  for (const { line, record } of lines) {
    const { submitter, prev } = record;
    const event = { json: eventIn(line, prev) };
    const last = found.at(-1);
    if (last?.submitter === submitter) last.events.push(event);
    else found.push({ submitter, events: [event] });
  }
  return found;
}

/** The event's bytes as they stand in the line: between its first member's name and the last `prev`, whose quotes no text can hold. */
function eventIn(line: string, prev: string): string {
  return line.slice('{"event":'.length, line.lastIndexOf(`,"prev":"${prev}","receivedAt":`));
}
