import type { AnswerProof, IndexProof, RunAnswer, TermLeaves } from '../../contract/query.ts';
import { FILTER_NAMES } from '../../contract/query.ts';
import { INDEX_RUN, INDEX_SUBMITTER, INDEX_TRAIL } from '../../contract/system-trails.ts';
import { INDEX_RULES } from '../../index/format/index-rules.ts';
import { hashLeaf, type Leaf, leafFrom, spansOf } from '../../index/format/leaf.ts';
import { clipSpans, intersectSpans, pushSpan, type Spans, unionSpans } from '../../index/format/spans.ts';
import { compareKeys, keyOf, type TermKey } from '../../index/format/term.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { fromBase64, fromHex } from '../../log/encoding.ts';
import { type Hash, leafHash, sameBytes } from '../../log/hash.ts';
import { isCount, isObject } from '../../log/json.ts';
import { checkLeaves } from '../../log/multiproof.ts';
import { parseRecord } from '../../log/record.ts';
import { checkInclusion, checkRange } from '../../log/tree.ts';
import { indexedTerms } from '../../question/terms.ts';
import { hashesOf } from './parse-answer.ts';
import { inKind, wrong } from './wrong.ts';

/** A run as its line states it. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly leaves: number;
  readonly root: Hash;
}

/** The index's part of an answer's range. */
export interface IndexedPart {
  /** Records from here on are not indexed. */
  readonly size: number;
  /** Those of the range's indexed records that may pass. */
  readonly candidates: Spans;
}

/**
 * Checks what the index says, under a checkpoint of `_index` that was opened.
 *
 * @throws of the kinds `runs`, `coverage`, `leaves`
 */
export function checkIndex(
  { trail, filters, range }: AnswerProof,
  index: IndexProof,
  checkpoint: Checkpoint,
): IndexedPart {
  const stated = inKind('runs', () => statement(index, checkpoint, trail));
  const runs = inKind('runs', () => runsOf(index, stated));
  const end = Math.min(range.to, stated.size);
  const [oldest, newest] = [runs[0], runs.at(-1)];
  if (oldest === undefined || newest === undefined || oldest.from > range.from || newest.to < end) {
    throw wrong('coverage', `the runs that are shown do not cover records ${range.from} to ${end - 1}`);
  }
  const keys = keysOf(filters);
  if (index.answers.length !== runs.length) throw wrong('coverage', 'there is not one answer for each run');
  const candidates = runs.flatMap((run, n) => {
    const [from, to] = [Math.max(run.from, range.from), Math.min(run.to, end)];
    return from < to ? [...inRun(run, index.answers[n], keys, from, to)] : [];
  });
  return { size: stated.size, candidates };
}

/** The statement of all runs that a record of `_index` makes. */
function statement({ record, proof }: IndexProof, checkpoint: Checkpoint, trail: string) {
  const { seq, trail: of, submitter, event } = parseRecord(record);
  checkInclusion(leafHash(record), seq, checkpoint.size, hashesOf(proof), checkpoint.root);
  const { resource, details } = event;
  const isIndexStatement = of === INDEX_TRAIL && submitter === INDEX_SUBMITTER && event.type === INDEX_RUN;
  if (
    !isIndexStatement ||
    !isObject(resource) ||
    resource.id !== trail ||
    !isObject(details) ||
    !isObject(details.index)
  ) {
    throw wrong('runs', `record ${seq} of ${of} does not state the runs of trail ${trail}`);
  }
  if (details.rules !== INDEX_RULES) {
    throw wrong(
      'runs',
      `the index was made by the rules ${String(details.rules)}, and this version knows ${INDEX_RULES}`,
    );
  }
  const { size, runs, root } = details.index;
  if (!isCount(size) || !isCount(runs) || typeof root !== 'string') throw wrong('runs', `record ${seq} states no runs`);
  return { size, runs, root: fromHex(root) };
}

const RUN_LINE = /^(0|[1-9]\d{0,15}) ([1-9]\d{0,15}) ([1-9]\d{0,15}) ([0-9a-f]{64}) [0-9a-f]{64}$/;

function runsOf(
  index: IndexProof,
  stated: { readonly size: number; readonly runs: number; readonly root: Hash },
): Run[] {
  const leaves = index.runs.map((line) => leafHash(line));
  checkRange(leaves, index.first, stated.runs, hashesOf(index.runsProof), stated.root);
  let edge: number | undefined;
  return index.runs.map((line) => {
    const [, from, to, count, root = ''] = RUN_LINE.exec(line) ?? [];
    const run = { from: Number(from), to: Number(to), leaves: Number(count), root: fromHex(root) };
    const isRun = run.from < run.to && run.to <= stated.size && Number.isSafeInteger(run.leaves);
    if (!isRun || run.from !== (edge ?? run.from)) throw wrong('runs', 'the runs do not follow one another');
    edge = run.to;
    return run;
  });
}

/** For each indexed filter the keys of its terms. */
function keysOf(filters: AnswerProof['filters']): TermKey[][] {
  return FILTER_NAMES.flatMap((name) => {
    const terms = filters[name] && indexedTerms(name, filters[name]);
    return terms === undefined
      ? []
      : [[...terms.values, ...terms.groups].map((value) => keyOf(terms.dimension, value))];
  });
}

/** The records of `[from, to)` in a run that may pass. */
function inRun(
  run: Run,
  answer: RunAnswer | undefined,
  keys: readonly (readonly TermKey[])[],
  from: number,
  to: number,
): Spans {
  if (answer?.terms.length !== keys.length) throw wrong('leaves', 'there are not leaves for each filter of the index');
  const shown = answer.terms.map((terms) => inKind('leaves', () => terms.map((one) => shownLeaves(one, run))));
  inKind('leaves', () => checkShown(run, shown.flat(), answer.proof));
  let left: Spans = [from, to];
  for (const [n, terms] of keys.entries()) {
    const ofFilter = shown[n] ?? [];
    if (ofFilter.length === 0) continue;
    if (ofFilter.length !== terms.length) throw wrong('leaves', 'there are not leaves for each value of a filter');
    const lists = terms.map((key, m) => inKind('leaves', () => underKey(run, ofFilter[m], key, from, to)));
    left = intersectSpans(left, unionSpans(lists));
  }
  return left;
}

interface ShownLeaves {
  readonly first: number;
  readonly leaves: readonly Leaf[];
}

const shownLeaves = ({ first, leaves }: TermLeaves, run: Run): ShownLeaves => ({
  first,
  leaves: leaves.map((text) => leafFrom(fromBase64(text, 'malformed_proof', 'a leaf'), run.from)),
});

/** Checks that all leaves that are shown of a run are of its tree, each at its place. */
function checkShown(run: Run, shown: readonly ShownLeaves[], proof: string): void {
  const places = new Map<number, Hash>();
  for (const { first, leaves } of shown) {
    for (const [n, leaf] of leaves.entries()) {
      const hash = hashLeaf(leaf);
      const known = places.get(first + n);
      if (known !== undefined && !sameBytes(known, hash)) throw wrong('leaves', 'two leaves are shown at one place');
      places.set(first + n, hash);
    }
  }
  const leaves = [...places].map(([index, hash]) => ({ index, hash })).sort((a, b) => a.index - b.index);
  const hashes = hashesOf(proof);
  if (leaves.length > 0) checkLeaves(leaves, run.leaves, hashes, run.root);
  else if (hashes.length > 0) throw wrong('leaves', 'there are hashes, and no leaves that they prove');
}

/** The records of `[from, to)` that a run files under a key. */
function underKey(run: Run, shown: ShownLeaves | undefined, key: TermKey, from: number, to: number): Spans {
  if (shown === undefined || shown.leaves.length === 0) throw wrong('leaves', 'a term has no leaves around it');
  const { first: number, leaves } = shown;
  assertOrder(leaves);
  const [first, last] = [leaves[0], leaves.at(-1)];
  const isFromStart = number === 0 || (first !== undefined && isAtMost(first, key, from));
  const isToEnd = number + leaves.length === run.leaves || (last !== undefined && isBeyond(last, key, to));
  if (!isFromStart || !isToEnd) throw wrong('leaves', 'the leaves that are shown are not those around a term');
  return clipSpans(spansUnder(leaves, key, run), from, to);
}

function assertOrder(leaves: readonly Leaf[]): void {
  for (const [n, leaf] of leaves.entries()) {
    const before = leaves[n - 1];
    const order = before === undefined ? -1 : compareKeys(before.key, leaf.key) || before.first - leaf.first;
    if (order >= 0) throw wrong('leaves', 'leaves of a run are not in order');
  }
}

function spansUnder(leaves: readonly Leaf[], key: TermKey, run: Run): Spans {
  const spans: number[] = [];
  for (const leaf of leaves) {
    if (compareKeys(leaf.key, key) !== 0) continue;
    const more = spansOf(leaf.body, run.from, run.to);
    for (let i = 0; i < more.length; i += 2) pushSpan(spans, more[i] ?? 0, more[i + 1] ?? 0);
  }
  return spans;
}

function isAtMost(leaf: Leaf, key: TermKey, from: number): boolean {
  const order = compareKeys(leaf.key, key);
  return order < 0 || (order === 0 && leaf.first <= from);
}

function isBeyond(leaf: Leaf, key: TermKey, to: number): boolean {
  const order = compareKeys(leaf.key, key);
  return order > 0 || (order === 0 && leaf.first >= to);
}
