import type { StoredEvent } from '../../contract/event.ts';
import type { ExportManifest, ExportRequest } from '../../contract/exports.ts';
import type { AnswerProof, EventFilters, EventPeriods, EventQuery } from '../../contract/query.ts';
import type { Activity, Bucket, ClockName, Summary } from '../../contract/summary.ts';
import type { VerificationReport, VerificationRequest } from '../../contract/verification.ts';
import type { WitnessedResult } from '../../contract/witnessed-head.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Policy } from '../../log/policy.ts';
import type { SealedRecord } from '../../log/record.ts';
import type { Trust } from '../event/receipt.ts';
import type { HttpRequest, SignedHttp } from '../http/http.ts';
import { percentEncode } from '../http/percent-encode.ts';
import type { ExportFiles } from './exporting.ts';
import type { PageNotes } from './page-notes.ts';
import type { OnPart } from './summing.ts';
import type { VerificationWait } from './verifying.ts';

/** A record of the log, with its event's fields. */
export interface LogRecord extends SealedRecord {
  readonly event: StoredEvent & SealedRecord['event'];
}

/** Records of an answer, and the proof that none is left out. */
export interface ProvenPage {
  readonly records: readonly LogRecord[];
  readonly proof: AnswerProof;
}

/** Which records a summary counts, and its detail. */
export interface SummaryQuery extends EventFilters, EventPeriods {
  /** Fields to count by: `minute`, `hour`, `day`, `week`, `month`, filters such as `tenant`, paths such as `details.reason`. */
  readonly by?: string | readonly string[] | undefined;
  /** How fine the counts over time are. @default by the length of the period */
  readonly bucket?: Bucket | undefined;
  /** Whose clock counts over time go by: the server's, or the producer's. @default received */
  readonly clock?: ClockName | undefined;
  /** Values listed of each breakdown, and groups. @default 100 */
  readonly top?: number | undefined;
}

/** How the pages of a query are watched. */
export interface QueryWatch {
  /**
   * Called with every page: how many records were looked at, and `absence`, why there is none, where nothing was found. It tells a
   * mistyped name from nothing that happened.
   */
  readonly onPage?: (page: PageNotes) => void;
}

/** The scope of a verification: new records since the last time, all of them, or records `from` (inclusive) to `to` (exclusive). */
export type IntegrityScope = VerificationRequest;

/** The log's own report on itself. */
export type IntegrityReport = VerificationReport;

/** The questions that a log and a sink are asked alike. */
export interface AuditReader extends Pick<LogReader, keyof LogReader> {}

/** Questions that follow from others. */
export abstract class Questions {
  abstract query(query?: EventQuery, watch?: QueryWatch): AsyncGenerator<LogRecord, void, undefined>;

  /**
   * The newest records that pass the filters, newest first.
   *
   * @example const [newest] = await audit.reader.recent(1, { type: 'auth.*', from: '1h' });
   */
  async recent(count = 20, query: Omit<EventQuery, 'limit' | 'order'> = {}): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    if (count < 1) return found;
    for await (const record of this.query({ ...query, limit: Math.min(count, 100) })) {
      found.push(record);
      if (found.length >= count) break;
    }
    return found;
  }

  /**
   * The actions of an agent, oldest first; with `all`, everything it was part of.
   *
   * @example for await (const { event } of audit.reader.actionHistory('agent-7')) console.log(event.type, event.decision);
   */
  actionHistory(agent: string, which: 'actions' | 'all' = 'actions'): AsyncGenerator<LogRecord, void, undefined> {
    return this.query({ agent, order: 'oldest', ...(which === 'all' ? {} : { type: 'action.*' }) });
  }
}

/**
 * Asks a trail questions. The answers are the server's word; what `proof` and `export` give can be checked offline.
 *
 * Errors ({@link SealtrailError}): those of the server by their code, such as `invalid_parameter` with the field and `forbidden`;
 * `unavailable` where it does not answer, or with something else.
 */
export class LogReader extends Questions {
  readonly #http: SignedHttp;
  readonly #path: string;
  readonly #trail: string;

  constructor(http: SignedHttp, trail: string) {
    super();
    this.#http = http;
    this.#trail = trail;
    this.#path = `/v1/trails/${percentEncode(trail)}`;
  }

  /**
   * The records that pass every filter, page by page as they are asked for.
   *
   * @example
   * for await (const { seq, event } of audit.reader.query({ type: 'auth.*', tenant: 'acme', order: 'oldest' })) {
   *   console.log(seq, event.type);
   * }
   * const onPage = ({ absence }) => console.log(absence?.[0]?.reason); // no_such_value, …
   * for await (const record of audit.reader.query({ actor: 'alcie' }, { onPage })) console.log(record.seq);
   */
  async *query(query: EventQuery = {}, { onPage }: QueryWatch = {}): AsyncGenerator<LogRecord, void, undefined> {
    const { parseRecord } = await import('../../log/record.ts');
    let cursor: string | undefined;
    do {
      const page = await this.#http.send({
        path: `${this.#path}/events`,
        query: { ...query, format: 'ndjson', ...(cursor === undefined ? {} : { cursor }) },
      });
      if (onPage !== undefined) onPage((await import('./page-notes.ts')).notesOf(page));
      for (const line of page.text().split('\n')) if (line !== '') yield parseRecord(line) as LogRecord; // The cast: a log takes no other events.
      cursor = page.headers.get('x-more') === 'true' ? (page.headers.get('x-next-cursor') ?? undefined) : undefined;
    } while (cursor !== undefined);
  }

  /**
   * Exact counts of the records that pass every filter: by type, outcome, severity and more, over time, and by fields of choice.
   *
   * @param onPart called with every part of a count that takes several calls, since it has to read many records
   *
   * @example
   * const { total, by } = await audit.reader.summary({ from: '1h' });
   * const { groups } = await audit.reader.summary({ type: 'auth.login_failed', by: ['hour'], from: 'yesterday' });
   */
  async summary(query: SummaryQuery = {}, onPart?: OnPart): Promise<Summary> {
    const { fetchSummary } = await import('./summing.ts');
    const { by, ...rest } = query;
    const fields = by === undefined ? {} : { by: [by].flat().join(',') };
    return fetchSummary(
      this.#http,
      `${this.#path}/summary`,
      { ...rest, ...fields },
      onPart === undefined ? {} : { onPart },
    );
  }

  /**
   * An actor's activity over the last days (30 by default). Under the default policy an e-mail address finds its masked form.
   *
   * @example const { total, last } = await audit.reader.activity('alice', 7);
   */
  activity(actor: string, days?: number): Promise<Activity> {
    return this.#get('counts', `${this.#path}/activity`, ['total', 'byType', 'byOutcome'], { actor, days });
  }

  /**
   * The records that pass every filter, page by page, each with the proof that it leaves nothing out of what a checkpoint covers:
   * `sealtrail verify-answer` checks the proofs offline, written to a file as a JSON array.
   *
   * @example
   * const proofs = [];
   * for await (const { records, proof } of audit.reader.provenQuery({ actor: 'alice' })) proofs.push(proof);
   * await writeFile('alice.proof.json', JSON.stringify(proofs));
   */
  async *provenQuery(query: EventQuery = {}): AsyncGenerator<ProvenPage, void, undefined> {
    let cursor: string | undefined;
    do {
      const answer = await this.#get<ProvenPage & { readonly more: boolean; readonly cursor?: string }>(
        'proof',
        `${this.#path}/events`,
        ['records', 'proof', 'more'],
        { ...query, proof: '1', ...(cursor === undefined ? {} : { cursor }) },
      );
      yield { records: answer.records, proof: answer.proof };
      cursor = answer.more ? answer.cursor : undefined;
    } while (cursor !== undefined);
  }

  /**
   * The proof that a record is in the log, a C2SP tlog-proof; `sealtrail verify-proof` checks it, and `checkProof` of
   * `sealtrail/log`.
   *
   * @example await writeFile('record-0.proof', await audit.reader.proof(0));
   */
  async proof(seq: number): Promise<string> {
    return (await this.#http.send({ path: `${this.#path}/events/${seq}/proof` })).text();
  }

  /**
   * Fetches the newest head that witnesses cosigned and that covers a checkpoint, such as that of a receipt, and checks it.
   *
   * @param checkpoint what `checkReceipt` or `checkpointOf` of `sealtrail/receipt` returned
   * @param trust the public keys that are trusted for a checkpoint, by its origin and size
   * @param policy which witnesses must have cosigned: `parsePolicy` of `sealtrail/log`
   * @returns who cosigned, when, and how many records their head covers
   * @throws `not_witnessed`: not yet, or not enough of them; `proof_mismatch`, `bad_signature`: keep both, they are evidence
   *
   * @example
   * const { by } = await audit.reader.witnessed(checkpoint, trust, parsePolicy(policyText));
   */
  async witnessed(checkpoint: Checkpoint, trust: Trust, policy: Policy): Promise<WitnessedResult> {
    const answer = await this.#http.send({ path: `${this.#path}/witnessed`, query: { from: checkpoint.size } });
    // Few need it: an application that does not starts with less.
    const { checkWitnessedHead, readWitnessedHead } = await import('../../contract/witnessed-head.ts');
    return checkWitnessedHead(readWitnessedHead(answer.json()), checkpoint, trust, policy);
  }

  /**
   * Has every record that passes the filters written to a file, and beside it `<file>.manifest.json`, which says what is in it,
   * and `<file>.proof` where one is needed: `sealtrail verify-export` checks them offline. Waits until they are there.
   *
   * @throws `usage` where the file is there already; `proof_mismatch` where what came is not what its manifest says
   *
   * @example
   * const { manifest } = await audit.reader.export('logins.csv', { format: 'csv', type: 'auth.*' });
   * console.log(manifest.records, 'records');
   */
  async export(
    file: string,
    request: ExportRequest,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<{ readonly manifest: ExportManifest; readonly files: ExportFiles }> {
    const { askForExport, awaitExport, assertFree, keepExport } = await import('./exporting.ts');
    await assertFree(file);
    const { id } = await askForExport(this.#http, this.#trail, { ...request }, signal);
    const done = await awaitExport(this.#http, this.#trail, id, signal);
    const files = await keepExport(this.#http, done, file, signal);
    if (done.manifest === undefined) throw new RangeError('what has no manifest cannot be kept');
    return { manifest: done.manifest, files };
  }

  /**
   * Has the log look at itself: every record against the chain, the tree, the signatures and the archive. `incremental` begins at
   * the last checkpoint that was verified; a range is quick at any size of the log, and says nothing of the rest. Who does not
   * trust the log runs `sealtrail verify` over a copy of its archive.
   *
   * @param wait how it is waited for: a large trail takes minutes
   * @throws `invalid_parameter` with the field `from` or `to`, for a range that is empty or beyond the end; `unavailable` when
   *   the verification did not get through
   *
   * @example
   * const { verdict, problems } = await audit.reader.verifyIntegrity('full');
   * if (verdict !== 'ok') console.log(problems[0]);
   * const { notLookedAt } = await audit.reader.verifyIntegrity({ from: 100, to: 200 });
   * await audit.reader.verifyIntegrity('full', { onLook: ({ progress }) => console.log(progress?.at, 'of', progress?.of) });
   */
  async verifyIntegrity(scope: IntegrityScope = 'incremental', wait: VerificationWait = {}): Promise<IntegrityReport> {
    const { verifyTrail } = await import('./verifying.ts');
    return verifyTrail(this.#http, `${this.#path}/verifications`, scope, wait);
  }

  /** @param fields that the answer must have: it is taken at the server's word for the rest of its shape */
  async #get<T>(
    what: string,
    path: string,
    fields: readonly string[],
    query: NonNullable<HttpRequest['query']>,
  ): Promise<T> {
    const answer: unknown = (await this.#http.send({ path, query })).json();
    if (typeof answer !== 'object' || answer === null || !fields.every((name) => name in answer)) {
      throw new SealtrailError('unavailable', `the server did not answer with ${what}`);
    }
    // The cast: see `fields`.
    return answer as T;
  }
}
