import { Runs } from '../evidence/number-ranges.ts';
import type { SegmentName } from '../evidence/object-names.ts';
import { SegmentIndex } from '../evidence/segment-index.ts';
import type { ShardJob } from './shard-job.ts';

/** A job as plain data, which can be sent to another thread. */
export interface PackedJob extends Omit<ShardJob, 'inventory'> {
  readonly inventory: {
    readonly trail: string;
    readonly newest: readonly string[];
    readonly segments: readonly SegmentName[];
    readonly checkpoints: readonly number[];
    readonly tiles: readonly (readonly [number, Pairs])[];
    readonly bundles: Pairs;
    readonly partials: ReadonlyMap<string, readonly number[]>;
  };
}

type Pairs = readonly (readonly [number, number])[];

/** Leaves out the segments and checkpoints that are not the job's. */
export function packJob(job: ShardJob): PackedJob {
  const { inventory, span } = job;
  const { trail, newest, tiles, bundles, partials } = inventory;
  return {
    ...job,
    inventory: {
      trail,
      newest,
      partials,
      // With the segment after: whether it is of the same day is asked at the end of the last.
      segments: [...inventory.segments.overlapping(span.from, span.to + 1)],
      checkpoints: inventory.checkpoints.filter((size) => size >= span.from && size <= span.to),
      tiles: [...tiles].map(([level, runs]) => [level, runs.pairs()] as const),
      bundles: bundles.pairs(),
    },
  };
}

export function unpackJob(job: PackedJob): ShardJob {
  const { segments, tiles, bundles, ...rest } = job.inventory;
  return {
    ...job,
    inventory: {
      ...rest,
      // Compared before the records are.
      witnessed: [],
      timestamps: [],
      segments: SegmentIndex.of(segments),
      tiles: new Map(tiles.map(([level, pairs]) => [level, Runs.of(pairs)])),
      bundles: Runs.of(bundles),
    },
  };
}
