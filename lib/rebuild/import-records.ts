import { prepare, settle } from '../ledger/attempt.ts';
import { packSubmissions, readHead } from '../ledger/commit.ts';
import type { Head } from '../ledger/items/head.ts';
import { REMEMBERED_SECONDS } from '../ledger/items/idempotency.ts';
import { markRebuilt, recall } from '../ledger/items/recalled.ts';
import { SealtrailError } from '../log/error.ts';
import { leafHash, sameBytes } from '../log/hash.ts';
import type { Table } from '../store/ports.ts';
import type { ArchivedLine } from '../verify/evidence/segments.ts';

/** Records of a block, and bytes of their events: as an append has them at most. */
const MAX_RECORDS = 1000;
const MAX_BYTES = 3_000_000;
/** Writes of a transaction. */
const MAX_WRITES = 100;

/** The end of what is put into a trail. */
export interface ImportEnd {
  readonly size: number;
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * Puts records at the end of a trail in the Table, as they are: those of one time as one block, in a transaction each, as appends do.
 * Records put in before a crash are found and passed over.
 *
 * A record does not say under which idempotency key it was sent. For as long as a key is remembered, repetitions are known by
 * the events instead (`Repetitions`); so each record is made findable by its event before it is put in.
 *
 * @param batches consecutive records, from the trail's head or before
 * @returns how many it put there
 * @throws `store_corrupt` where a record does not follow the one before; the Table's errors
 */
export async function importRecords(
  table: Table,
  trail: string,
  batches: AsyncIterable<readonly ArchivedLine[]>,
  { size, now }: ImportEnd,
): Promise<number> {
  let head = await readHead(table, trail);
  const before = head.size;
  const until = Math.ceil(now / 1000) + REMEMBERED_SECONDS;
  await table.transact([markRebuilt(trail, { size, until })]);
  for await (const batch of batches) {
    const fresh = batch.filter(({ record }) => record.seq >= head.size);
    await recallRecords(table, trail, fresh, { since: now - REMEMBERED_SECONDS * 1000, until });
    for (const block of blocksOf(fresh)) head = await putBlock(table, head, block);
  }
  return head.size - before;
}

async function recallRecords(
  table: Table,
  trail: string,
  lines: readonly ArchivedLine[],
  { since, until }: { readonly since: number; readonly until: number },
): Promise<void> {
  const writes = lines
    .filter(({ record }) => record.receivedAt >= since)
    .map(({ record: { seq, submitter, event } }) => recall(trail, { seq, submitter, id: String(event.id) }, until));
  for (let at = 0; at < writes.length; at += MAX_WRITES) await table.transact(writes.slice(at, at + MAX_WRITES));
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
