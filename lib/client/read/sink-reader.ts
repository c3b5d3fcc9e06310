import type { ExportManifest, ExportRequest } from '../../contract/exports.ts';
import type { EventQuery } from '../../contract/query.ts';
import type { Activity, Summary } from '../../contract/summary.ts';
import type { WitnessedResult } from '../../contract/witnessed-head.ts';
import { SealtrailError } from '../../log/error.ts';
import type { KeptEvent } from '../event/sink.ts';
import type { ExportFiles } from './exporting.ts';
import type { AskSink, KeepingSink } from './kept-records.ts';
import {
  type AuditReader,
  type IntegrityReport,
  type IntegrityScope,
  type LogRecord,
  type QueryWatch,
  Questions,
  type SummaryQuery,
} from './reader.ts';

/** The part of a logger that a reader of its sink needs. */
export interface SinkReaderContext {
  /** Waits until what was logged so far is in the sink. */
  readonly settle: () => Promise<void>;
  /** Called for what is damaged in it. */
  readonly onError: (error: Error) => void;
}

/**
 * Asks a sink that keeps events the questions that a log is asked, with the same answers. Nothing in a sink is signed or chained,
 * so its answers are worth what the machine's word is.
 */
export class SinkReader extends Questions implements AuditReader {
  readonly #sink: KeepingSink;
  readonly #context: SinkReaderContext;

  constructor(sink: KeepingSink, context: SinkReaderContext) {
    super();
    this.#sink = sink;
    this.#context = context;
  }

  async *query(query: EventQuery = {}, { onPage }: QueryWatch = {}): AsyncGenerator<LogRecord, void, undefined> {
    if (onPage === undefined) {
      yield* this.#records(query);
      return;
    }
    const { watchedRecords } = await import('./sink-absence.ts');
    yield* watchedRecords(this.#records, this.#sink.name, query, onPage);
  }

  async summary(query: SummaryQuery = {}): Promise<Summary> {
    const { summarizeSink } = await import('./sink-answers.ts');
    return summarizeSink(this.#records, query);
  }

  async activity(actor: string, days?: number): Promise<Activity> {
    const { sinkActivity } = await import('./sink-answers.ts');
    return sinkActivity(this.#records, actor, days);
  }

  async proof(): Promise<string> {
    throw this.#onlyOfLogs('proofs');
  }

  // biome-ignore lint/correctness/useYield: it has none to give
  async *provenQuery(): AsyncGenerator<never, void, undefined> {
    throw this.#onlyOfLogs('proofs');
  }

  async witnessed(): Promise<WitnessedResult> {
    throw this.#onlyOfLogs('witnesses');
  }

  #onlyOfLogs(what: string): SealtrailError {
    return new SealtrailError('usage', `a ${this.#sink.name} sink has no ${what}: only a log has`);
  }

  async export(
    file: string,
    request: ExportRequest,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<{ readonly manifest: ExportManifest; readonly files: ExportFiles }> {
    const { exportSink } = await import('./sink-export.ts');
    return exportSink(this.#records, this.#sink.name, file, request, signal);
  }

  async verifyIntegrity(scope: IntegrityScope = 'incremental'): Promise<IntegrityReport> {
    const { verifySink } = await import('./sink-answers.ts');
    await this.#context.settle();
    return verifySink(this.#sink, scope);
  }

  readonly #records: AskSink = (query, onRecord) => this.#ask(query, onRecord);

  async *#ask(query: EventQuery, onRecord?: (record: LogRecord) => void): AsyncGenerator<LogRecord, void, undefined> {
    const { damageOf, keptRecords } = await import('./kept-records.ts');
    await this.#context.settle();
    let isTold = false;
    const damaged = (kept: KeptEvent): void => {
      if (!isTold) this.#context.onError(damageOf(this.#sink, kept));
      isTold = true;
    };
    yield* keptRecords(this.#sink, query, { damaged, ...(onRecord && { onRecord }) });
  }
}
