import { defined } from '../base/defined.ts';
import {
  ANSWER_FORMAT,
  type AnswerPeriod,
  type AnswerProof,
  type IndexProof,
  type RunAnswer,
} from '../contract/query.ts';
import { INDEX_TRAIL } from '../contract/system-trails.ts';
import { type IndexSnapshot, NO_INDEX, readIndexSnapshot } from '../index/format/index-state.ts';
import { leafBytes } from '../index/format/leaf.ts';
import type { StoredRun } from '../index/format/run-layout.ts';
import { endOf } from '../index/format/runs.ts';
import { runLine } from '../index/format/statement.ts';
import type { TermKey } from '../index/format/term.ts';
import { type RunFile, RunGone } from '../index/reader/run-file.ts';
import { RunNodes } from '../index/reader/run-nodes.ts';
import type { StoredCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toBase64 } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../log/frontier.ts';
import { type Hash, leafHash } from '../log/hash.ts';
import { proveLeaves } from '../log/multiproof.ts';
import { type NodeReader, proveInclusion, proveRange } from '../log/tree.ts';
import { type AnswerRequest, Collector, type RecordSources } from './collector.ts';
import type { Match, Query } from './query.ts';

/** The sources that proofs are made from. */
export interface ProofSources extends RecordSources {
  readonly ledger: Pick<Ledger, 'checkpoint' | 'record'>;
  /** Tree nodes of a trail. */
  readonly nodes: (trail: string) => NodeReader;
}

/** Records of an answer, with the proof that none is left out between `from` and `to`. */
export interface ProvenMatches {
  readonly matches: readonly Match[];
  readonly from: number;
  readonly to: number;
  readonly proof: AnswerProof;
}

/** An index, with the checkpoint of `_index` that its statement is under. */
interface StatedIndex extends IndexSnapshot {
  readonly checkpoint?: StoredCheckpoint;
}

/**
 * Answers with a proof. What is not under the checkpoint yet is not part of it.
 *
 * @param asked its range is under the checkpoint
 * @throws `store_corrupt`, the stores' errors
 */
export async function proveAnswer(
  sources: ProofSources,
  request: AnswerRequest,
  query: Pick<Query, 'from' | 'to'>,
  checkpoint: StoredCheckpoint,
): Promise<ProvenMatches> {
  for (let gone: IndexSnapshot | undefined; ; ) {
    const stated = await statedIndex(sources, request.trail);
    const index = stated.revision === gone?.revision ? NO_INDEX : stated;
    try {
      return await prove(sources, request, query, checkpoint, index);
    } catch (error) {
      if (!(error instanceof RunGone)) throw error;
      gone = stated;
    }
  }
}

/** Records of an answer whose proof is made at once for an asker who has them. */
const PROVEN_AT_ONCE = 5000;
/** Records that such proofs show, where the index has not got to them. */
const MAX_TAIL = 20_000;

/**
 * Answers oldest first, page by page, for an asker who has the records: the proofs do not show them.
 *
 * @returns undefined if too many records are not indexed yet
 * @throws as {@link proveAnswer}
 */
export async function proveAll(
  sources: ProofSources,
  request: Pick<AnswerRequest, 'trail' | 'filter' | 'low' | 'high' | 'size'>,
  query: Pick<Query, 'from' | 'to'>,
  checkpoint: StoredCheckpoint,
): Promise<AsyncGenerator<ProvenMatches, void, void> | undefined> {
  const { trail, low, high } = request;
  if (high - (await statedIndex(sources, trail)).size > MAX_TAIL) return undefined;
  return (async function* () {
    let at = low;
    do {
      const rest = { ...request, low: at, isDescending: false, limit: PROVEN_AT_ONCE, hasMatches: true };
      const page = await proveAnswer(sources, rest, query, checkpoint);
      yield page;
      at = page.to;
    } while (at < high);
  })();
}

/** The index of a trail; none while its newest statement is not signed. */
async function statedIndex({ table, ledger }: ProofSources, trail: string): Promise<StatedIndex> {
  const index = await readIndexSnapshot(table, trail);
  if (index.record === undefined) return { ...NO_INDEX, revision: index.revision };
  const checkpoint = await ledger.checkpoint(INDEX_TRAIL, index.record + 1);
  return checkpoint === undefined ? { ...NO_INDEX, revision: index.revision } : { ...index, checkpoint };
}

async function prove(
  sources: ProofSources,
  request: AnswerRequest,
  { from: since, to: until }: Pick<Query, 'from' | 'to'>,
  { size, note }: StoredCheckpoint,
  index: StatedIndex,
): Promise<ProvenMatches> {
  const { trail, filter } = request;
  const collector = new Collector(sources, request);
  await collector.collect(index);
  const { shown, from, to } = collector;
  // The records on either side show that the answer begins and ends where the period does.
  const beside = [
    ...(since !== undefined && from > 0 ? [from - 1] : []),
    ...(until !== undefined && to < size ? [to] : []),
  ];
  const lines = new Map([...shown].map(([seq, { line }]) => [seq, line]));
  for (const seq of beside) if (!lines.has(seq)) lines.set(seq, await readRecordLine(sources, trail, seq));
  const seqs = [...lines.keys()].sort((a, b) => a - b);
  const hashes = seqs.length === 0 ? [] : await proveLeaves(seqs, size, sources.nodes(trail));
  const period: AnswerPeriod = defined({
    from: since,
    to: until,
    timeFrom: filter.time?.from,
    timeTo: filter.time?.to,
  });
  const needsIndex = index.checkpoint !== undefined && filter.isIndexed && from < Math.min(to, index.size);
  const matches = collector.matches.map(({ seq }) => seq).sort((a, b) => a - b);
  const proof: AnswerProof = {
    format: ANSWER_FORMAT,
    trail,
    filters: Object.fromEntries(filter.applied),
    period,
    range: { from, to },
    matches,
    records: seqs.map((seq) => lines.get(seq) ?? ''),
    checkpoint: note,
    proof: joined(hashes),
    ...(needsIndex && { index: await indexProof(sources, request, index, from, to) }),
  };
  return { matches: collector.matches, from, to, proof };
}

async function readRecordLine({ ledger }: ProofSources, trail: string, seq: number): Promise<string> {
  const line = await ledger.record(trail, seq);
  if (line === undefined) throw new SealtrailError('store_corrupt', `record ${seq} of trail ${trail} is missing`);
  return line;
}

async function indexProof(
  sources: ProofSources,
  { trail, filter }: AnswerRequest,
  { runs, record = 0, checkpoint = { size: 0, note: '' }, size }: StatedIndex,
  from: number,
  to: number,
): Promise<IndexProof> {
  const needed = runs.filter((run) => run.first < to && endOf(run) > from);
  const first = runs.findIndex((run) => endOf(run) > from);
  const tree = appendLeaves(
    EMPTY_FRONTIER,
    runs.map((run) => leafHash(runLine(run))),
  );
  const read: NodeReader = async (ids) => ids.flatMap((id) => tree.node(id) ?? []);
  const [line, proof, runsProof, answers] = await Promise.all([
    readRecordLine(sources, INDEX_TRAIL, record),
    proveInclusion(record, checkpoint.size, sources.nodes(INDEX_TRAIL)),
    proveRange(first, first + needed.length, runs.length, read),
    Promise.all(
      needed.map((run) => {
        const [low, high] = [Math.max(from, run.first), Math.min(to, endOf(run), size)];
        return runAnswer(sources.runs.open(trail, run), run, filter.keys, low, high);
      }),
    ),
  ]);
  return {
    ...{ checkpoint: checkpoint.note, record: line, proof: joined(proof) },
    ...{ first, runs: needed.map(runLine), runsProof: joined(runsProof), answers },
  };
}

/** A run's leaves for each value of each filter, with one proof for all. */
async function runAnswer(
  file: RunFile,
  run: StoredRun,
  keys: readonly (readonly TermKey[])[],
  from: number,
  to: number,
): Promise<RunAnswer> {
  const nodes = new RunNodes(file);
  const found = await Promise.all(
    keys.map((some) => Promise.all(some.map((key) => nodes.leavesAround(key, from, to)))),
  );
  const places = new Set(found.flat().flatMap(({ first, leaves }) => leaves.map((_, n) => first + n)));
  const proof = await proveLeaves(
    [...places].sort((a, b) => a - b),
    run.leaves,
    nodes.read,
  );
  const terms = found.map((some) =>
    some.map(({ first, leaves }) => ({ first, leaves: leaves.map((leaf) => toBase64(leafBytes(leaf))) })),
  );
  return { terms, proof: joined(proof) };
}

const joined = (hashes: readonly Hash[]): string => toBase64(Buffer.concat(hashes));
