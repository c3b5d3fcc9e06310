import { describe, expect, it, vi } from 'vitest';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import { leafHash } from '../../lib/log/hash.ts';

const cost = vi.hoisted(() => ({ nodes: 0 }));

vi.mock('../../lib/log/hash.ts', async (original) => {
  const actual = await original<typeof import('../../lib/log/hash.ts')>();
  return {
    ...actual,
    nodeHash: (left: Uint8Array, right: Uint8Array) => {
      cost.nodes++;
      return actual.nodeHash(left, right);
    },
  };
});

const leaves = Array.from({ length: 2100 }, (_, i) => leafHash(`${i}`));

describe('adding k leaves to a tree of n', () => {
  it('costs a hash for each subtree that they complete, and the root: k + 2 log2 n, not n', () => {
    for (const size of [0, 1, 2, 255, 256, 1000, 1023, 1024, 2047]) {
      const { frontier } = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size));
      for (const more of [1, 2, 50]) {
        cost.nodes = 0;
        appendLeaves(frontier, leaves.slice(size, size + more));
        expect(cost.nodes, `${more} onto ${size}`).toBeGreaterThanOrEqual(size === 0 ? more - 1 : 1);
        expect(cost.nodes, `${more} onto ${size}`).toBeLessThanOrEqual(more + 2 * Math.ceil(Math.log2(size + more)));
      }
    }
  });
});
