import type { Item, Write } from '../../../lib/store/ports.ts';

/** Partitions that are written at the same time, each one group after the other. */
export const lanes = ['lane-a', 'lane-b', 'lane-c'];
/** Items of a group besides the head. */
const WIDTH = 4;

/** The items of group `n`, from 1; those of every fifth are large. */
export function groupItems(lane: string, n: number): Item[] {
  const bytes = new Uint8Array(n % 5 === 0 ? 30_000 : 300).fill(n);
  return Array.from({ length: WIDTH }, (_, k) => ({
    partition: lane,
    sort: `group ${String(n).padStart(8, '0')} ${k}`,
    attributes: { n, bytes },
  }));
}

/** The transaction that writes group `n` together with the head, which counts groups. */
export function groupWrites(lane: string, n: number): Write[] {
  const key = { partition: lane, sort: 'head' };
  const head: Write =
    n === 1
      ? { put: { ...key, attributes: { n } }, when: { is: 'absent' } }
      : { update: key, set: { n }, when: { is: 'equal', attribute: 'n', value: n - 1 } };
  return [...groupItems(lane, n).map((item): Write => ({ put: item })), head];
}
