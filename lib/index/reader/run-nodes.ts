import { appendLeaves, EMPTY_FRONTIER } from '../../log/frontier.ts';
import type { Hash } from '../../log/hash.ts';
import type { NodeReader } from '../../log/tree.ts';
import { hashLeaf, type Leaf } from '../format/leaf.ts';
import { GROUP_LEAVES, PAGE_GROUPS } from '../format/run-layout.ts';
import { compareKeys, type TermKey } from '../format/term.ts';
import type { Group, RunFile } from './run-file.ts';

/** Levels of a tree within a group, and within a page. */
const GROUP_LEVEL = Math.log2(GROUP_LEAVES);
const PAGE_LEVEL = GROUP_LEVEL + Math.log2(PAGE_GROUPS);

/** Reads the nodes of a run's tree: from leaves, from hashes of groups, or from hashes of pages. */
export function runNodes(file: RunFile): NodeReader {
  // Several nodes of a proof lie in one group.
  const groups = new Map<number, Promise<readonly Leaf[]>>();
  const leavesIn = (group: number): Promise<readonly Leaf[]> => {
    const known = groups.get(group) ?? leavesOf(file, group);
    groups.set(group, known);
    return known;
  };
  const hashesOf = async (level: number, index: number): Promise<readonly Hash[]> => {
    const first = index * 2 ** level;
    const count = 2 ** level;
    if (level < GROUP_LEVEL) {
      const leaves = await leavesIn(Math.floor(first / GROUP_LEAVES));
      return leaves.slice(first % GROUP_LEAVES, (first % GROUP_LEAVES) + count).map(hashLeaf);
    }
    const group = first / GROUP_LEAVES;
    if (level < PAGE_LEVEL) {
      const page = await file.pageOfGroup(group);
      const at = group % PAGE_GROUPS;
      return page.slice(at, at + count / GROUP_LEAVES).map(({ hash }) => hash);
    }
    const { pages } = await file.header();
    const at = group / PAGE_GROUPS;
    return pages.slice(at, at + count / (GROUP_LEAVES * PAGE_GROUPS)).map(({ hash }) => hash);
  };
  return (ids) =>
    Promise.all(ids.map(async ({ level, index }) => appendLeaves(EMPTY_FRONTIER, await hashesOf(level, index)).root));
}

async function leavesOf(file: RunFile, group: number): Promise<readonly Leaf[]> {
  const page = await file.pageOfGroup(group);
  const [leaves = []] = await file.leaves(page.filter(({ number }) => number === group));
  return leaves;
}

/** Consecutive leaves of a run, and the number of the first. */
export interface LeafRange {
  readonly first: number;
  readonly leaves: readonly Leaf[];
}

/**
 * The leaves of a key that have records in `[from, to)`, with the one before and the one after, as far as there are any: together
 * they show that the run files no other record of that range under the key.
 */
export async function leavesAround(file: RunFile, key: TermKey, from: number, to: number): Promise<LeafRange> {
  const groups = await groupsAround(file, key, from, to);
  const leaves = (await file.leaves(groups)).flat();
  const isBefore = (leaf: Pick<Leaf, 'key' | 'first'>) => isAtMost(leaf, key, from);
  const start = Math.max(0, leaves.findLastIndex(isBefore));
  const end = leaves.findIndex((leaf) => isBeyond(leaf, key, to));
  const first = (groups[0]?.number ?? 0) * GROUP_LEAVES + start;
  return { first, leaves: leaves.slice(start, end < 0 ? leaves.length : end + 1) };
}

/** Consecutive groups that hold all of these leaves. */
async function groupsAround(file: RunFile, key: TermKey, from: number, to: number): Promise<readonly Group[]> {
  const holding = await file.groupsOf(key);
  const all = holding.length > 0 ? [...holding] : [...(await file.pageOfGroup(0)).slice(0, 1)];
  const last = all.at(-1);
  const next = last && (await file.pageOfGroup(last.number + 1)).find(({ number }) => number === last.number + 1);
  if (next !== undefined) all.push(next);
  const start = Math.max(
    0,
    all.findLastIndex((group) => isAtMost(group, key, from)),
  );
  const end = all.findIndex((group, n) => n > start && isBeyond(group, key, to));
  return all.slice(start, end < 0 ? all.length : end + 1);
}

const isAtMost = (leaf: Pick<Leaf, 'key' | 'first'>, key: TermKey, from: number): boolean => {
  const order = compareKeys(leaf.key, key);
  return order < 0 || (order === 0 && leaf.first <= from);
};

const isBeyond = (leaf: Pick<Leaf, 'key' | 'first'>, key: TermKey, to: number): boolean => {
  const order = compareKeys(leaf.key, key);
  return order > 0 || (order === 0 && leaf.first >= to);
};
