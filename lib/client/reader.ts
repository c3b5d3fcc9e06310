import { SealtrailError } from '../log/error.ts';
import { parseRecord, type SealedRecord } from '../log/record.ts';
import { percentEncode, type SignedHttp } from './http.ts';

/** One value of a filter, or several that are alternatives. */
type Values = string | readonly string[];
/** RFC 3339, or Unix milliseconds. */
type Time = string | number | undefined;

/** What to look for: see `GET /v1/trails/{trail}/events`. All filters must hold. */
export interface EventQuery {
  /** Types, their aliases, or groups such as `auth.*`. */
  readonly type?: Values;
  readonly actor?: Values;
  readonly actorType?: Values;
  readonly resource?: Values;
  readonly resourceType?: Values;
  readonly tenant?: Values;
  readonly project?: Values;
  readonly session?: Values;
  readonly request?: Values;
  readonly correlation?: Values;
  readonly agent?: Values;
  readonly action?: Values;
  readonly approval?: Values;
  readonly outcome?: Values;
  /** At least this one. */
  readonly severity?: string;
  readonly decision?: Values;
  readonly submitter?: Values;
  /** Of the event. */
  readonly id?: Values;
  /** Inclusive, by the server's clock. */
  readonly from?: Time;
  /** Exclusive, by the server's clock. */
  readonly to?: Time;
  /** Inclusive, by the producer's clock. */
  readonly timeFrom?: Time;
  /** Exclusive, by the producer's clock. */
  readonly timeTo?: Time;
  /** @default newest */
  readonly order?: 'newest' | 'oldest';
  /** Records per page; the iterator goes over all pages. */
  readonly limit?: number;
}

/** Counts over a period, as the server gives them. */
export interface Summary {
  readonly total: number;
  readonly [field: string]: unknown;
}

/** Asks a trail questions. The answers are the server's word; `proof` is what can be checked offline. */
export class LogReader {
  readonly #http: SignedHttp;
  readonly #path: string;

  constructor(http: SignedHttp, trail: string) {
    this.#http = http;
    this.#path = `/v1/trails/${percentEncode(trail)}`;
  }

  /** The records that pass every filter, page by page as they are asked for. */
  async *query(query: EventQuery = {}): AsyncGenerator<SealedRecord, void, undefined> {
    let cursor: string | undefined;
    do {
      const page = await this.#http.send({
        path: `${this.#path}/events`,
        query: { ...query, format: 'ndjson', ...(cursor === undefined ? {} : { cursor }) },
      });
      for (const line of page.text().split('\n')) if (line !== '') yield parseRecord(line);
      cursor = page.headers.get('x-more') === 'true' ? (page.headers.get('x-next-cursor') ?? undefined) : undefined;
    } while (cursor !== undefined);
  }

  /** The newest records, newest first. */
  async recent(count = 20): Promise<SealedRecord[]> {
    const found: SealedRecord[] = [];
    if (count < 1) return found;
    for await (const record of this.query({ limit: Math.min(count, 100) })) {
      found.push(record);
      if (found.length >= count) break;
    }
    return found;
  }

  /** Exact counts over a period, by type, outcome, severity and more. */
  summary(period: { readonly from?: string | number; readonly to?: string | number } = {}): Promise<Summary> {
    return this.#counts(`${this.#path}/summary`, { ...period });
  }

  /** What an actor did over the last days (30 by default). */
  activity(actor: string, days?: number): Promise<Summary> {
    return this.#counts(`${this.#path}/actors/${percentEncode(actor)}/activity`, { days });
  }

  /** What an agent did, oldest first. */
  actionHistory(agent: string): AsyncGenerator<SealedRecord, void, undefined> {
    return this.query({ agent, order: 'oldest' });
  }

  /** The proof that a record is in the log, a C2SP tlog-proof; `checkProof` of `sealtrail/log` checks it. */
  async proof(seq: number): Promise<string> {
    return (await this.#http.send({ path: `${this.#path}/events/${seq}/proof` })).text();
  }

  async #counts(path: string, query: Readonly<Record<string, string | number | undefined>>): Promise<Summary> {
    const answer = (await this.#http.send({ path, query })).json();
    if (!isSummary(answer)) throw new SealtrailError('unavailable', 'the server did not answer with counts');
    return answer;
  }
}

function isSummary(value: unknown): value is Summary {
  return typeof value === 'object' && value !== null && 'total' in value && typeof value.total === 'number';
}
