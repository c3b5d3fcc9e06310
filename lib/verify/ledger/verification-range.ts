import type { VerificationRange, VerifiedRange } from '../../contract/verification.ts';
import { sliceBlock } from '../../ledger/items/block.ts';
import { isUnreadable } from '../../ledger/items/format.ts';
import { checkpointPartition, sortableNumber } from '../../ledger/items/layout.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { nodeReader } from '../../ledger/tree/nodes.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import { frontierNodes } from '../../log/frontier.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import type { Objects, Table } from '../../store/ports.ts';
import { VerificationFindings } from './ledger-report.ts';
import { openStored, type Signatories } from './stored-checkpoint.ts';
import { TRAIL_START } from './verification-mark.ts';
import type { Scanned } from './verification-scan.ts';
import type { WalkStart } from './verification-walk.ts';

/** Where a range is looked for. */
export interface RangeStores {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'blocks'>;
}

/**
 * The range with both of its ends.
 *
 * @param size records that the trail has, or had
 * @throws `invalid_parameter` with the field `from` or `to`: it is empty, or reaches beyond the trail
 */
export function assertRange({ from, to }: VerificationRange, size: number): VerifiedRange {
  const refuse = (field: 'from' | 'to', what: string): never => {
    throw new SealtrailError('invalid_parameter', `${field}: ${what}`, { field });
  };
  const range = { from: from ?? 0, to: to ?? size };
  if (range.to > size) refuse('to', `must not be above ${size}, the trail’s size`);
  if (range.from >= size) refuse('from', `must be below ${size}, the trail’s size`);
  if (range.from >= range.to) {
    if (from === undefined) refuse('to', 'must be above 0: it is exclusive');
    else refuse('from', 'must be below `to`, which is exclusive');
  }
  return range;
}

/**
 * The records that are looked at for a range: from the tile on that has the record before it, so that its first one is
 * seen to follow that, to the first checkpoint that covers it. Without such a checkpoint it goes to the head.
 *
 * @param size of the head
 */
export async function stretchAround(
  table: Table,
  trail: string,
  range: VerifiedRange,
  size: number,
  signatories: Signatories,
): Promise<VerifiedRange> {
  const from = Math.min(size, Math.floor(Math.max(0, range.from - 1) / TILE_WIDTH) * TILE_WIDTH);
  const partition = checkpointPartition(trail);
  const covering = { partition, from: sortableNumber(Math.min(range.to, size)), to: sortableNumber(size) };
  for await (const item of table.query(covering)) {
    // Problems of those that are skipped are found again, and reported, on the way.
    const checkpoint = openStored(item, signatories, new VerificationFindings());
    if (checkpoint !== undefined) return { from, to: checkpoint.size };
  }
  return { from, to: size };
}

/** Error codes of a damaged tree, wherever its hashes were read. */
const DAMAGE: readonly ErrorCode[] = ['archive_damaged', 'records_archived'];

/**
 * The state before a record: the hashes of the tree over those before it, out of the archive's tiles and the ledger.
 * They rest on the tree alone: a signed root that they lead to proves them, and the records behind them.
 *
 * @throws the stores' errors
 */
export async function startAt(
  { table, objects, ledger }: RangeStores,
  trail: string,
  size: number,
  findings: VerificationFindings,
): Promise<WalkStart> {
  if (size === 0) return TRAIL_START;
  const unknown = { size, last: undefined, receivedAt: 0 };
  try {
    const nodes = await nodeReader({ table, objects, ledger }, trail)(frontierNodes(size));
    return { ...unknown, frontier: { size, nodes } };
  } catch (error) {
    if (!(error instanceof SealtrailError) || !(isUnreadable(error) || DAMAGE.includes(error.code))) throw error;
    const message = `the tree over the records before ${size} is not readable: ${error.message}`;
    findings.add({ kind: 'unreadable_tree', seq: size - 1, message });
    return { ...unknown, frontier: undefined };
  }
}

/** The blocks of a scan from `from` to `to - 1`, those at both ends cut to size. */
export async function* within(
  blocks: AsyncIterable<Scanned>,
  from: number,
  to: number,
): AsyncGenerator<Scanned, void, void> {
  for await (const scanned of blocks) {
    yield 'problem' in scanned ? scanned : { block: sliceBlock(scanned.block, from, to) };
  }
}
