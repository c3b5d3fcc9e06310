import type { ExportManifest } from '../../contract/exports.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { checkAnswer, type ProvenAnswer } from '../answers/check-answer.ts';
import type { TrustedKeys } from '../evidence/trust.ts';
import { wholeLines } from './lines.ts';

/** The longest page of a proof: its records have 4 million characters at most, and then its hashes and leaves. */
const MAX_PAGE_BYTES = 32_000_000;
/** The mark that masking leaves. */
const MASKED = '***';

/** A page of the proof, whose part of the file is being read. */
interface Page {
  readonly value: unknown;
  readonly to: number;
  /** The numbers of the file's records in its range. */
  readonly seqs: number[];
}

/**
 * Holds the records of an export against the proof that there are no others: pages, each of a range of records, one after the other.
 * The caller proves that the records are in the trail and pass the filters. In the memory of one page.
 */
export class ExportCoverage {
  readonly #pages: AsyncIterator<Uint8Array>;
  readonly #manifest: ExportManifest;
  readonly #trust: TrustedKeys;
  #page: Page | undefined;
  #first: ProvenAnswer | undefined;
  #last: ProvenAnswer | undefined;
  #indexed = 0;
  #isOfFilters = true;

  constructor(chunks: AsyncIterable<Uint8Array>, manifest: ExportManifest, trust: TrustedKeys) {
    this.#pages = wholeLines(chunks, MAX_PAGE_BYTES, 'a page of a proof');
    this.#manifest = manifest;
    this.#trust = trust;
  }

  /** Takes the number of the next record. @throws `proof_mismatch`, `malformed_proof`, as {@link checkAnswer} */
  async add(seq: number): Promise<void> {
    while (this.#page === undefined || seq >= this.#page.to) {
      if (!(await this.#next())) throw mismatch(`it ends before record ${seq}`);
    }
    this.#page.seqs.push(seq);
  }

  /**
   * The coverage proven once all records were taken.
   *
   * @param size records under the checkpoint
   * @returns for how many records the index vouches; undefined if the pages answer another question than the manifest's filters
   * @throws as {@link add}
   */
  async finish(size: number): Promise<{ readonly indexed: number } | undefined> {
    while (await this.#next());
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined) throw mismatch('it has no page');
    const { from, to } = this.#manifest.seqs ?? { from: 0, to: size };
    if (!first.isFromStart && first.range.from > from) throw mismatch('it begins later than the period');
    if (!last.isToEnd && last.range.to < Math.min(to, size)) throw mismatch('it ends before the period does');
    return this.#isOfFilters ? { indexed: this.#indexed } : undefined;
  }

  /** Checks the page that was read, and goes on to the next. */
  async #next(): Promise<boolean> {
    if (this.#page !== undefined) this.#check(this.#page);
    const { value: line, done } = await this.#pages.next();
    this.#page = done === true ? undefined : pageOf(line);
    return this.#page !== undefined;
  }

  #check({ value, seqs }: Page): void {
    const page = checkAnswer(value, this.#trust, seqs);
    const { from, to, timeFrom, timeTo, checkpoint } = this.#manifest;
    if (page.origin !== `${this.#manifest.log}/${this.#manifest.trail}`) throw mismatch(`it is of ${page.origin}`);
    if (page.note !== checkpoint) throw mismatch('it is under another checkpoint than the file');
    if (JSON.stringify(page.period, BOUNDS) !== JSON.stringify({ from, to, timeFrom, timeTo }, BOUNDS)) {
      throw mismatch('it is of another period than the file');
    }
    if (this.#last !== undefined && page.range.from !== this.#last.range.to) {
      throw mismatch(`no page covers records ${this.#last.range.to} to ${page.range.from - 1}`);
    }
    if (!isAnswerTo(page.filters, this.#manifest.filters)) this.#isOfFilters = false;
    this.#first ??= page;
    this.#last = page;
    this.#indexed += page.indexed;
  }
}

const BOUNDS = ['from', 'to', 'timeFrom', 'timeTo'];

/**
 * True if what passes the filters of a page is all that passes those of the manifest. A page also asks for the masked forms of what was
 * asked for, so that more may pass; of a contrary that would be fewer.
 */
function isAnswerTo(asked: ProvenAnswer['filters'], filters: ExportManifest['filters']): boolean {
  const names = Object.keys(asked);
  const isSame = names.length === Object.keys(filters).length && names.every((name) => Object.hasOwn(filters, name));
  return (
    isSame &&
    Object.entries(asked).every(([name, values]) => {
      const wanted = filters[name] ?? [];
      const more = values.filter((value) => !wanted.includes(value));
      const isWidened = more.length > 0 && name.startsWith('not');
      return (
        wanted.every((value) => values.includes(value)) && !isWidened && more.every((value) => value.includes(MASKED))
      );
    })
  );
}

function pageOf(line: Uint8Array): Page {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch (cause) {
    throw new SealtrailError('malformed_proof', 'a page of the proof that no record is left out is not JSON', {
      cause,
    });
  }
  const range = isObject(value) && isObject(value.range) ? value.range : {};
  return { value, to: Number(range.to ?? 0), seqs: [] };
}

const mismatch = (what: string): SealtrailError =>
  new SealtrailError('proof_mismatch', `the proof that no record is left out does not hold: ${what}`);
