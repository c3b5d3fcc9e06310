import { appendLeaves, EMPTY_FRONTIER, type Growth, type NodeId } from '../../log/frontier.ts';
import type { Hash } from '../../log/hash.ts';
import { hashLeaf, type Leaf } from '../format/leaf.ts';
import { GROUP_LEAVES, PAGE_GROUPS } from '../format/run-layout.ts';
import { compareKeys, type TermKey } from '../format/term.ts';
import type { Group, RunFile } from './run-file.ts';

/** Levels of a tree within a group, and within a page. */
const GROUP_LEVEL = Math.log2(GROUP_LEAVES);
const PAGE_LEVEL = GROUP_LEVEL + Math.log2(PAGE_GROUPS);

/** Consecutive leaves of a run, and the number of the first. */
export interface LeafRange {
  readonly first: number;
  readonly leaves: readonly Leaf[];
}

/** A group's leaves, and the tree over them once it is needed. */
interface OpenGroup {
  readonly leaves: readonly Leaf[];
  tree?: Growth;
}

/** Reads from one run what proofs need: leaves, and nodes of their tree. What the proofs of several keys share is read once. */
export class RunNodes {
  readonly #file: RunFile;
  readonly #groups = new Map<number, Promise<OpenGroup>>();

  constructor(file: RunFile) {
    this.#file = file;
  }

  /**
   * The leaves of a key that have records in `[from, to)`, with the one before and the one after, as far as there are any: together
   * they show that the run files no other record of that range under the key.
   */
  async leavesAround(key: TermKey, from: number, to: number): Promise<LeafRange> {
    const groups = await groupsAround(this.#file, key, from, to);
    const opened = await this.#open(groups);
    const leaves = opened.flatMap((group) => group.leaves);
    const isBefore = (leaf: Pick<Leaf, 'key' | 'first'>) => isAtMost(leaf, key, from);
    const start = Math.max(0, leaves.findLastIndex(isBefore));
    const end = leaves.findIndex((leaf) => isBeyond(leaf, key, to));
    const first = (groups[0]?.number ?? 0) * GROUP_LEAVES + start;
    return { first, leaves: leaves.slice(start, end < 0 ? leaves.length : end + 1) };
  }

  /** Nodes of the run's tree. */
  read = (ids: readonly NodeId[]): Promise<Hash[]> => Promise.all(ids.map((id) => this.#node(id)));

  /** A node: of the tree over the leaves of a group, over the groups of a page, or over the pages. */
  async #node({ level, index }: NodeId): Promise<Hash> {
    const first = index * 2 ** level;
    const group = Math.floor(first / GROUP_LEAVES);
    const page = Math.floor(group / PAGE_GROUPS);
    const [tree, base, width] =
      level < GROUP_LEVEL
        ? [await this.#treeOfGroup(group), 0, GROUP_LEAVES]
        : level < PAGE_LEVEL
          ? [await this.#file.treeOfPage(page), GROUP_LEVEL, PAGE_GROUPS]
          : [await this.#file.treeOfPages(), PAGE_LEVEL, 0];
    const within = level - base;
    const before = width === 0 ? 0 : (width === GROUP_LEAVES ? group : page) * (width / 2 ** within);
    const hash = tree.node({ level: within, index: index - before });
    if (hash === undefined) throw new RangeError(`the run has no node ${level}/${index}`);
    return hash;
  }

  async #treeOfGroup(number: number): Promise<Growth> {
    const groups = await this.#file.pageOfGroup(number);
    const [group] = await this.#open(groups.filter((one) => one.number === number));
    if (group === undefined) throw new RangeError(`the run has no group ${number}`);
    group.tree ??= appendLeaves(EMPTY_FRONTIER, group.leaves.map(hashLeaf));
    return group.tree;
  }

  /** Opens consecutive groups, those that are not open yet by one read. */
  async #open(groups: readonly Group[]): Promise<readonly OpenGroup[]> {
    const unread = groups.filter(({ number }) => !this.#groups.has(number));
    const span = groups.filter(
      ({ number }) => number >= (unread[0]?.number ?? 0) && number <= (unread.at(-1)?.number ?? -1),
    );
    const reading = this.#file.leaves(span);
    // It is awaited below, where a group of it is needed.
    for (const [n, { number }] of span.entries()) {
      if (!this.#groups.has(number)) {
        const group = reading.then((read) => ({ leaves: read[n] ?? [] }));
        group.catch(() => undefined);
        this.#groups.set(number, group);
      }
    }
    return Promise.all(groups.map(async ({ number }) => (await this.#groups.get(number)) ?? { leaves: [] }));
  }
}

/** Consecutive groups that hold all of these leaves. */
async function groupsAround(file: RunFile, key: TermKey, from: number, to: number): Promise<readonly Group[]> {
  const holding = await file.findGroups(key);
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
