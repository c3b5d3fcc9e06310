import { INDEX_TRAIL, INDEX_UNCHECKED, LOG_SUBMITTER } from '../../contract/system-trails.ts';
import { INDEX_RULES } from '../../index/format/index-rules.ts';
import { endOf } from '../../index/format/runs.ts';
import type { ArchivedRecords } from '../../ledger/archived-records.ts';
import { readBlocks } from '../../ledger/blocks.ts';
import { readHead } from '../../ledger/commit.ts';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { decodeFrontier, encodeFrontier } from '../../log/frontier.ts';
import type { Table } from '../../store/ports.ts';
import { type Statement, statementIn } from '../../verify/answers/check-runs.ts';
import { type RunProgress, RunSlice } from '../../verify/answers/run-slices.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/** The dependencies of {@link IndexCheck}. */
export interface IndexCheckOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'append'>;
  /** Where records are read that have left the hot store. */
  readonly archive?: ArchivedRecords;
  /** Records of which the terms are in memory at a time. @default 262,144 */
  readonly sliceRecords?: number;
}

/** A statement that was found false, until true ones take its place. */
interface FalseRun {
  /** The number of the record in `_index`. */
  readonly record: number;
  readonly trail: string;
  readonly from: number;
  readonly to: number;
  /** Records from `from` to before this one are in runs that were stated since, and are true. */
  readonly at: number;
}

/** False statements that are kept in mind; of more, the oldest. */
const MAX_FALSE = 50;

/**
 * Computes what new records of `_index` state from the records of their trails, and compares: long runs in slices, each of which is
 * remembered, so that it goes on where it was stopped. A statement that is false is a record in `_system`, and an alarm with every run
 * until true statements cover its records. One by rules that this version does not know is named in `_system`.
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
      const moved = await this.#step(mark);
      if (moved === undefined) return; // another process is at it
      mark = moved;
    }
    const [wrong] = falseRunsOf(mark);
    if (wrong !== undefined) throw new SealtrailError('store_corrupt', sentenceOn(wrong));
  }

  /** Looks at one record, or at one slice of the run that it states. */
  async #step(mark: Watermark): Promise<Watermark | undefined> {
    const wrong = falseRunsOf(mark);
    const next = (open: readonly FalseRun[]) =>
      moveWatermark(this.#options.table, mark, { size: mark.size + 1, state: stateOf(open) });
    const statement = await this.#statement(mark.size);
    if (statement === undefined) return next(wrong);
    if (statement.rules !== INDEX_RULES) {
      await this.#nameUnknown(statement);
      return next(wrong);
    }
    const found = await this.#slice(statement, progressOf(mark));
    if (found === true) return next(wrong.flatMap((one) => coveredBy(statement, one)));
    if (found === false) return next([...wrong, await this.#alarm(statement)].slice(0, MAX_FALSE));
    return moveWatermark(this.#options.table, mark, { size: mark.size, state: stateOf(wrong, found) });
  }

  async #statement(seq: number): Promise<Statement | undefined> {
    const { table, archive } = this.#options;
    for await (const { first, lines } of readBlocks(table, INDEX_TRAIL, { from: seq, to: seq + 1 }, archive)) {
      const line = lines[seq - first];
      if (line !== undefined) return statementIn(line);
    }
    throw new SealtrailError('store_corrupt', `record ${seq} of ${INDEX_TRAIL} is missing`);
  }

  async #slice({ trail, run }: Statement, done: RunProgress | undefined): Promise<RunProgress | boolean> {
    const { table, archive, sliceRecords } = this.#options;
    const slice = new RunSlice(run, done, sliceRecords);
    for await (const block of readBlocks(table, trail, { from: run.first, to: endOf(run) }, archive)) {
      const from = Math.max(block.first, run.first);
      const lines = block.lines.slice(from - block.first, endOf(run) - block.first);
      slice.add({ first: from, receivedAt: block.receivedAt, lines });
    }
    return slice.end();
  }

  async #alarm({ trail, record, run }: Statement): Promise<FalseRun> {
    const wrong = { record, trail, from: run.first, to: endOf(run), at: run.first };
    await this.#record(`index/${record}`, {
      type: 'security.alert',
      severity: 'critical',
      resource: { type: 'trail', id: trail },
      description: sentenceOn(wrong),
      details: { trail, record },
    });
    return wrong;
  }

  async #nameUnknown({ trail, record, rules, run }: Statement): Promise<void> {
    await this.#record(`index rules ${rules} ${trail}`, {
      type: INDEX_UNCHECKED,
      severity: 'warning',
      resource: { type: 'trail', id: trail },
      description: `record ${record} of _index states a run by the rules ${rules}, and this version knows ${INDEX_RULES}: sealtrail verify --index of a version that knows them checks it`,
      details: { record, rules, from: run.first, to: endOf(run) },
    });
  }

  async #record(key: string, event: object): Promise<void> {
    await recordInSystem(this.#options.ledger, {
      by: LOG_SUBMITTER,
      event: { ...event, actor: { id: LOG_SUBMITTER, type: 'system' } },
      // What is said again of other records is the same thing.
      once: { key, bodyHash: key },
      wait: false,
    });
  }
}

const sentenceOn = ({ record, trail, from, to }: FalseRun): string =>
  `record ${record} of _index states a run ${from} to ${to} of trail ${trail} that its records do not make`;

/** The rest of a false run once a true one is stated; nothing if true ones cover its records. */
function coveredBy({ trail, run }: Statement, wrong: FalseRun): FalseRun[] {
  if (trail !== wrong.trail || run.first > wrong.at || endOf(run) <= wrong.at) return [wrong];
  return endOf(run) >= wrong.to ? [] : [{ ...wrong, at: endOf(run) }];
}

function stateOf(wrong: readonly FalseRun[], progress?: RunProgress) {
  return {
    ...(wrong.length > 0 && { wrong: JSON.stringify(wrong) }),
    ...(progress && {
      slices: progress.slices,
      leaves: progress.frontier.size,
      frontier: encodeFrontier(progress.frontier),
    }),
  };
}

function falseRunsOf({ state: { wrong }, trail }: Watermark): readonly FalseRun[] {
  if (wrong === undefined) return [];
  try {
    return JSON.parse(String(wrong)); // written by stateOf, unless the store is damaged
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `what the check of ${trail} remembers is not readable`, { cause });
  }
}

function progressOf({ state: { slices, leaves, frontier } }: Watermark): RunProgress | undefined {
  if (typeof slices !== 'number' || !(frontier instanceof Uint8Array)) return undefined;
  return { slices, frontier: decodeFrontier(Number(leaves), frontier) };
}
