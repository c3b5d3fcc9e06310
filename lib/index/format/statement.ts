import { INDEX_RUN, INDEX_SUBMITTER } from '../../contract/system-trails.ts';
import { toHex } from '../../log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../log/frontier.ts';
import { type Hash, leafHash } from '../../log/hash.ts';
import { INDEX_RULES } from './index-rules.ts';
import type { StoredRun } from './run-layout.ts';
import { endOf } from './runs.ts';

/** The statement of a run, a record of the trail `_index`. */
export type StatedRun = Pick<StoredRun, 'first' | 'size' | 'leaves' | 'root' | 'counts'>;

/**
 * A run as a leaf of the tree over the runs of an index: its first record, the record after its last, its leaves, its root and
 * the SHA-256 of its counts, in ASCII with a space between each.
 */
export const runLine = (run: StatedRun): string =>
  `${run.first} ${endOf(run)} ${run.leaves} ${toHex(run.root)} ${toHex(run.counts)}`;

/** The root of the tree over the runs of an index (RFC 6962 section 2.1). */
export const indexRoot = (runs: readonly StatedRun[]): Hash =>
  appendLeaves(
    EMPTY_FRONTIER,
    runs.map((run) => leafHash(runLine(run))),
  ).root;

/** The event of the record in `_index` that states a new run, and with it all the runs that make up the index of a trail. */
export const statementOf = (trail: string, run: StatedRun, runs: readonly StatedRun[]) => ({
  type: INDEX_RUN,
  actor: { id: INDEX_SUBMITTER, type: 'system' },
  resource: { type: 'trail', id: trail },
  details: {
    rules: INDEX_RULES,
    run: {
      from: run.first,
      to: endOf(run),
      leaves: run.leaves,
      root: toHex(run.root),
      counts: toHex(run.counts),
    },
    index: { size: runs.reduce((sum, { size }) => sum + size, 0), runs: runs.length, root: toHex(indexRoot(runs)) },
  },
});
