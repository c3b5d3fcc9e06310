import { INDEX_TRAIL, LOG_SUBMITTER } from '../../contract/system-trails.ts';
import { INDEX_RULES } from '../../index/format/index-rules.ts';
import { endOf } from '../../index/format/runs.ts';
import { RunContent } from '../../index/writer/collect.ts';
import type { ArchivedRecords } from '../../ledger/archived-records.ts';
import { readBlocks } from '../../ledger/blocks.ts';
import { readHead } from '../../ledger/commit.ts';
import { moveWatermark, readWatermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';
import { isTrue, type Statement, statementIn } from '../../verify/answers/check-runs.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/** The dependencies of {@link IndexCheck}. */
export interface IndexCheckOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'append'>;
  /** Where records are read that have left the hot store. */
  readonly archive?: ArchivedRecords;
}

/** Longer runs are merged from those that were checked, and left to `sealtrail verify --index`. */
const MAX_RECORDS = 131_072;

/**
 * Computes what new records of `_index` state from the records of their trails, and compares. A statement that is false is an alarm and
 * a record in `_system`.
 */
export class IndexCheck implements Follower {
  readonly name = 'indexCheck';
  readonly #options: IndexCheckOptions;

  constructor(options: IndexCheckOptions) {
    this.#options = options;
  }

  /** @throws `store_corrupt`: an alarm that names a run that is not what its records make it. The stores' errors. */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    if (trail !== INDEX_TRAIL) return;
    const { table } = this.#options;
    let mark = await readWatermark(table, trail, this.name);
    const { size } = await readHead(table, trail);
    while (mark.size < size && signal?.aborted !== true) {
      let wrong: SealtrailError | undefined;
      let end = mark.size;
      for await (const block of readBlocks(table, trail, { from: end, to: end + 1 })) {
        for (const line of block.lines.slice(end - block.first)) {
          const statement = statementIn(line);
          if (statement !== undefined && !(await this.#holds(statement))) wrong = await this.#alarm(statement);
        }
        end = block.first + block.count;
      }
      const moved = await moveWatermark(table, mark, { size: end });
      if (wrong !== undefined) throw wrong;
      if (moved === undefined) return;
      mark = moved;
    }
  }

  async #holds({ trail, rules, run }: Statement): Promise<boolean> {
    if (rules !== INDEX_RULES || run.size > MAX_RECORDS) return true;
    const { table, archive } = this.#options;
    const content = new RunContent(run.first);
    for await (const block of readBlocks(table, trail, { from: run.first, to: endOf(run) }, archive)) {
      const from = Math.max(block.first, run.first);
      const lines = block.lines.slice(from - block.first, endOf(run) - block.first);
      content.add({ first: from, count: lines.length, receivedAt: block.receivedAt, lines });
    }
    return isTrue(run, content);
  }

  async #alarm({ trail, record, run }: Statement): Promise<SealtrailError> {
    const what = `record ${record} of _index states a run ${run.first} to ${endOf(run)} of trail ${trail} that its records do not make`;
    const event = {
      type: 'security.alert',
      severity: 'critical',
      actor: { id: LOG_SUBMITTER, type: 'system' },
      resource: { type: 'trail', id: trail },
      description: what,
      details: { trail, record },
    };
    await recordInSystem(this.#options.ledger, {
      by: LOG_SUBMITTER,
      event,
      once: { key: `index/${record}` },
      wait: false,
    });
    return new SealtrailError('store_corrupt', what);
  }
}
