import { filterOf, MASKED_FILTERS } from '../../contract/query.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { checkAnswer, type ProvenAnswer } from '../../verify/answers/check-answer.ts';
import type { TrustedKeys } from '../../verify/evidence/trust.ts';
import { settled } from '../platform/signatures.ts';
import { type Api, ApiError } from './api.ts';
import { type Growth, growthSince } from './growth.ts';
import type { Memory } from './memory.ts';
import { type Chip, type Period, selectionOf } from './question.ts';
import { Refused } from './refused.ts';
import { type Row, rowOf } from './rows.ts';

/** The state of one trail's answers so far. */
export interface Standing {
  readonly trail: string;
  /** `unchecked`: no key is pinned, or the log gave no proof (`why`). */
  readonly state: 'unchecked' | 'checked';
  readonly why?: string;
  /** Records under the newest checkpoint. */
  readonly size?: number;
  /** The note of that checkpoint. */
  readonly checkpoint?: string;
  readonly keys?: readonly string[];
  /** Compared with the checkpoint that this browser saw before. */
  readonly growth?: Growth;
  /** True if every record of the period that passes has been shown; false: more pages are to come. */
  readonly isWhole: boolean;
  /** Why there is nothing, as the log says. */
  readonly absence?: readonly unknown[];
}

/** The keys and policies that answers are checked with. */
export interface Checks {
  readonly trust: TrustedKeys;
  readonly memory: Memory;
}

const PAGE = 200;

/** The records of one trail that pass a question, newest first, page by page: each checked, where a key is pinned. */
export class TrailSource {
  readonly trail: string;
  readonly #api: Api;
  readonly #chips: readonly Chip[];
  readonly #period: Period;
  readonly #checks: Checks;
  #cursor: string | undefined;
  /** Where the next page must end. */
  #low: number | undefined;
  #isDone = false;
  #standing: Standing;

  constructor(api: Api, trail: string, chips: readonly Chip[], period: Period, checks: Checks) {
    this.trail = trail;
    this.#api = api;
    this.#chips = chips;
    this.#period = period;
    this.#checks = checks;
    this.#standing = { trail, state: 'unchecked', isWhole: false };
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** The next rows. @throws Refused, ApiError */
  async next(signal?: AbortSignal): Promise<Row[]> {
    if (this.#isDone) return [];
    return this.#checks.trust.length === 0 ? this.#plain('no key is pinned', signal) : this.#proven(signal);
  }

  #query(extra: readonly [string, string][]): [string, string][] {
    const cursor: [string, string][] = this.#cursor === undefined ? [] : [['cursor', this.#cursor]];
    return [...selectionOf({ chips: this.#chips }, this.#period), ...cursor, ['limit', String(PAGE)], ...extra];
  }

  async #plain(why: string, signal?: AbortSignal): Promise<Row[]> {
    const path = `/v1/trails/${this.trail}/events`;
    const { text, headers } = await this.#api.get(path, this.#query([['format', 'ndjson']]), signal);
    this.#cursor = headers.get('x-next-cursor') ?? undefined;
    this.#isDone = headers.get('x-more') !== 'true' || this.#cursor === undefined;
    const absence = absenceIn(headers.get('x-absence'));
    const size = Number(headers.get('x-as-of'));
    this.#standing = { trail: this.trail, state: 'unchecked', why, isWhole: this.#isDone, size, ...absence };
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => rowOf(line, 'unchecked'));
  }

  async #proven(signal?: AbortSignal): Promise<Row[]> {
    const query = this.#query([['proof', '1']]);
    let answer: unknown;
    try {
      answer = await this.#api.json(`/v1/trails/${this.trail}/events`, query, signal);
    } catch (error) {
      // A trail that has no record has no checkpoint. Anything else that can be answered without a proof is.
      if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
      return this.#plain('the log has no checkpoint of it yet', signal);
    }
    if (!isObject(answer) || !isObject(answer.proof)) {
      this.#cursor = undefined;
      return this.#plain('this log is of a version that gives no proofs of answers', signal);
    }
    const { proof, cursor, more, absence } = answer;
    const evidence = { trail: this.trail, query, answer, at: new Date().toISOString() };
    const proven = await this.#check(proof, evidence);
    this.#cursor = typeof cursor === 'string' ? cursor : undefined;
    this.#isDone = more !== true || this.#cursor === undefined;
    if (this.#isDone && !proven.isFromStart && !this.#isBounded) {
      throw new Refused('the log says that there is no more, and its proof does not reach the beginning', evidence);
    }
    const now = await this.#growth(String(proof.checkpoint), proven, evidence);
    // Since the last visit: what the pages after the first compare with is this visit.
    const growth = this.#standing.growth ?? now;
    this.#standing = {
      ...{ trail: this.trail, state: 'checked', isWhole: this.#isDone, size: proven.checkpoint.size },
      ...{ checkpoint: String(proof.checkpoint), keys: proven.checkpoint.keys, growth },
      ...(Array.isArray(absence) && { absence }),
    };
    return proven.records.toReversed().map((line) => rowOf(line, 'checked'));
  }

  async #check(proof: object, evidence: Readonly<Record<string, unknown>>): Promise<ProvenAnswer> {
    try {
      const proven = await settled(() => checkAnswer(proof, this.#checks.trust));
      this.#assertAnswerTo(proven);
      this.#low = proven.range.from;
      return proven;
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      throw new Refused(error.message, { ...evidence, code: error.code, reason: error.message });
    }
  }

  /** That the proof is of the question that was asked, and of the part that comes next. */
  #assertAnswerTo({ trail, filters, period, range, isToEnd }: ProvenAnswer): void {
    const wrong = (what: string) => new SealtrailError('proof_mismatch', `the answer is to another question: ${what}`);
    if (trail !== this.trail) throw wrong(`it is of trail ${trail}`);
    if (period.from !== this.#period.from || period.to !== this.#period.to) throw wrong('its period is another');
    if (this.#low === undefined ? !this.#isBounded && !isToEnd : range.to !== this.#low) {
      throw wrong(`its records end before ${range.to}, and should reach ${this.#low ?? 'the newest'}`);
    }
    const dropped = this.#chips.find(
      ({ name }) => name !== 'seq' && filterOf(name) !== 'severity' && !(name in filters),
    );
    if (dropped !== undefined) throw wrong(`it is not filtered by ${dropped.name}`);
    for (const [name, values = []] of Object.entries(filters)) {
      const asked = this.#chips.filter((chip) => chip.name === name).map(({ value }) => value);
      const isFree = FREE.has(filterOf(name) ?? '');
      // Masks, groups of severities and other names of types are written otherwise than they are asked for.
      if (asked.length === 0 || (!isFree && !values.every((value) => asked.includes(value)))) {
        throw wrong(`it is filtered by ${name}, which was not asked for like that`);
      }
    }
  }

  /** True if the question names records by number: then an answer need not reach the newest. */
  get #isBounded(): boolean {
    return this.#chips.some(({ name }) => name === 'seq');
  }

  async #growth(note: string, proven: ProvenAnswer, evidence: Readonly<Record<string, unknown>>): Promise<Growth> {
    try {
      return await growthSince(this.#api, this.trail, note, proven.checkpoint, this.#checks);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw new Refused(error.message, { ...evidence, ...error.evidence });
    }
  }
}

const FREE: ReadonlySet<string> = new Set([...MASKED_FILTERS, 'severity', 'type']);

function absenceIn(header: string | null): { readonly absence?: readonly unknown[] } {
  const value = header === null ? undefined : parseJson(header);
  return Array.isArray(value) ? { absence: value } : {};
}
