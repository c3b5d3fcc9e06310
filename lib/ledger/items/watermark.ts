import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Condition, Item, Table, Write } from '../../store/ports.ts';
import { attributesOf, type StoredKind, withFormat } from './format.ts';
import { watermarkKey } from './layout.ts';

/** The follower that writes the query index. What it remembers is the index's list of files, and has formats of its own. */
export const INDEXER = 'indexer';

const kindOf = (follower: string): StoredKind => (follower === INDEXER ? 'index state' : 'watermark');

/** How far a follower has come in a trail, and what else it remembers. */
export interface Watermark {
  readonly trail: string;
  readonly follower: string;
  /** Records 0 to `size - 1` are done. */
  readonly size: number;
  /** How often it was moved; 0: never, and there is no item yet. */
  readonly revision: number;
  /** The follower's own state, stored beside it. The names `size`, `revision` and `format` are taken. */
  readonly state: Readonly<Record<string, Attribute>>;
}

/** Where a watermark moves to. `state` replaces the old state as a whole. `restart` lets it move backwards. */
export interface Move {
  readonly size: number;
  readonly state?: Readonly<Record<string, Attribute>>;
  readonly restart?: true;
}

/**
 * The watermark of a follower in a trail; at 0, with nothing remembered, where it has none.
 *
 * @throws `store_corrupt` when the stored item cannot be a watermark; `unavailable` when a newer version wrote it; the Table's errors
 */
export async function readWatermark(table: Table, trail: string, follower: string): Promise<Watermark> {
  const item = await table.get(watermarkKey(trail, follower));
  return item === undefined ? { trail, follower, size: 0, revision: 0, state: {} } : fromItem(trail, follower, item);
}

/**
 * Moves a watermark, in one transaction with whatever must move together with it. Of several that move it from the same
 * place one wins. The answer of a move may get lost (`outcome_unknown`): reading the watermark again tells.
 *
 * @param also other writes, at most 99
 * @returns the new watermark, or undefined if another writer moved it first (or a condition in `also` failed):
 *   nothing was written
 * @throws the Table's errors. RangeError when it would move backwards.
 *
 * @example
 * const watermark = await readWatermark(table, 'orders', 'indexer');
 * // ... idempotent work up to record 99 ...
 * await moveWatermark(table, watermark, { size: 100 });
 */
export async function moveWatermark(
  table: Table,
  from: Watermark,
  to: Move,
  also: readonly Write[] = [],
): Promise<Watermark | undefined> {
  const { trail, follower } = from;
  if (!Number.isSafeInteger(to.size) || (to.size < from.size && to.restart !== true)) {
    throw new RangeError(`the watermark of the ${follower} cannot move from ${from.size} to ${to.size}`);
  }
  const state = to.state ?? {};
  for (const name of ['size', 'revision', 'format']) {
    if (name in state) throw new RangeError(`${name} belongs to the watermark, not to its state`);
  }
  const revision = from.revision + 1;
  const put = {
    ...watermarkKey(trail, follower),
    attributes: withFormat(kindOf(follower), { ...state, size: to.size, revision }),
  };
  const when: Condition =
    from.revision === 0 ? { is: 'absent' } : { is: 'equal', attribute: 'revision', value: from.revision };
  const outcome = await table.transact([{ put, when }, ...also]);
  return outcome.committed ? { trail, follower, size: to.size, revision, state } : undefined;
}

function fromItem(trail: string, follower: string, item: Item): Watermark {
  const { size, revision, ...state } = attributesOf(kindOf(follower), item);
  if (!isCount(size) || !isCount(revision) || revision === 0) {
    throw new SealtrailError('store_corrupt', `the watermark of the ${follower} in trail ${trail} is not readable`);
  }
  return { trail, follower, size, revision, state };
}

const isCount = (value: Attribute | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
