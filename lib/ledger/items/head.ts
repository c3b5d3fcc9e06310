import { SealtrailError } from '../../log/error.ts';
import { decodeFrontier, EMPTY_FRONTIER, encodeFrontier, type Frontier } from '../../log/frontier.ts';
import { EMPTY_ROOT, type Hash, ZERO_HASH } from '../../log/hash.ts';
import { RECORD_VERSION } from '../../log/record-format.ts';
import type { Attribute, Condition, Item, Write } from '../../store/ports.ts';
import { attributesOf, recordVersionOf, withFormat } from './format.ts';
import { headKey } from './layout.ts';

/** A trail's state after its newest record. */
export interface Head {
  readonly trail: string;
  /** Records in the trail; the next record's sequence number. */
  readonly size: number;
  readonly frontier: Frontier;
  /** Leaf hash of the newest record, 32 zero bytes where there is none: the next record's `prev`. */
  readonly last: Hash;
  /** Merkle root over all records (RFC 6962 section 2.1). */
  readonly root: Hash;
  /** When the newest record was received, Unix milliseconds; 0 where there is none. */
  readonly receivedAt: number;
  /** True if the newest block holds what several processes submitted, who would otherwise contend for the head. */
  readonly isShared?: boolean;
}

/** The head of a trail that has no record yet. */
export const emptyHead = (trail: string): Head => ({
  trail,
  size: 0,
  frontier: EMPTY_FRONTIER,
  last: ZERO_HASH,
  root: EMPTY_ROOT,
  receivedAt: 0,
});

/**
 * Reads a head back from its item.
 *
 * @throws `store_corrupt` when the item cannot be a head.
 */
export function headFromItem(trail: string, item: Item): Head {
  const { size, frontier, last, root, receivedAt, record, shared } = attributesOf('head', item);
  recordVersionOf(`the head of trail ${trail}`, record);
  if (typeof size !== 'number' || typeof receivedAt !== 'number' || !isHash(last) || !isHash(root)) {
    throw new SealtrailError('store_corrupt', `the head of trail ${trail} is not readable`);
  }
  if (!(frontier instanceof Uint8Array)) {
    throw new SealtrailError('store_corrupt', `the head of trail ${trail} has no frontier`);
  }
  const isShared = shared === 1 ? { isShared: true } : {};
  return { trail, size, frontier: decodeFrontier(size, frontier), last, root, receivedAt, ...isShared };
}

/** The write that moves the head from `from` to `to`, if no other writer has moved it. */
export function swapHead(from: Head, to: Head): Write {
  const when: Condition = from.size === 0 ? { is: 'absent' } : { is: 'equal', attribute: 'size', value: from.size };
  return {
    put: {
      ...headKey(to.trail),
      attributes: withFormat('head', {
        size: to.size,
        frontier: encodeFrontier(to.frontier),
        last: to.last,
        root: to.root,
        receivedAt: to.receivedAt,
        ...(to.isShared === true ? { shared: 1 } : {}),
        // The newest record's: a version that does not know it must not append after it.
        record: RECORD_VERSION,
      }),
    },
    when,
  };
}

const isHash = (value: Attribute | undefined): value is Hash => value instanceof Uint8Array && value.length === 32;
