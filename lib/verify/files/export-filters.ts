import { DIMENSIONS, dimensionsOf } from '../../contract/dimensions.ts';
import type { ExportManifest } from '../../contract/exports.ts';
import { FILTER_NAMES, type FilterName, filterOf } from '../../contract/query.ts';
import { timeMillis } from '../../contract/time.ts';
import { SealtrailError } from '../../log/error.ts';
import type { SealedRecord } from '../../log/record.ts';
import { filterTest, type RecordTest } from '../../question/tests.ts';

/** Marks of masking: the value that a filter named may have been this one. */
const MASKED = '***';

/**
 * Holds the records of an export against the filters that its manifest names: every record must pass every one. What cannot
 * be judged is remembered, and is not proven: a filter that this version does not know, a value that was masked.
 */
export class ExportFilters {
  readonly #tests: readonly (readonly [FilterName, RecordTest])[];
  readonly #period: Pick<ExportManifest, 'timeFrom' | 'timeTo'>;
  readonly #unproven = new Set<string>();

  constructor({ filters, timeFrom, timeTo }: ExportManifest) {
    this.#tests = Object.entries(filters).flatMap(([asked, values]) => {
      const name = FILTER_NAMES.find((known) => known === asked);
      const test = name === undefined ? undefined : testOf(name, values);
      if (name !== undefined && test !== undefined) return [[name, test] as const];
      this.#unproven.add(`filters.${asked}`);
      return [];
    });
    this.#period = { ...(timeFrom !== undefined && { timeFrom }), ...(timeTo !== undefined && { timeTo }) };
  }

  /** The filter that a record does not pass; undefined if it passes all, or that is unknown. */
  refusal(record: SealedRecord): string | undefined {
    if (!this.#isOfPeriod(record.event.time)) return 'it did not happen in the period of the manifest';
    for (const [name, test] of this.#tests) {
      if (test(record)) continue;
      if (!isMasked(record, name)) return `it does not pass the filter ${name}`;
      this.#unproven.add(`filters.${name}`);
    }
    return undefined;
  }

  /** Members of the manifest that the records did not prove. */
  get unproven(): readonly string[] {
    return [...this.#unproven];
  }

  #isOfPeriod(time: unknown): boolean {
    const { timeFrom, timeTo } = this.#period;
    if (timeFrom === undefined && timeTo === undefined) return true;
    const millis = typeof time === 'string' ? timeMillis(time) : undefined;
    return millis !== undefined && millis >= (timeFrom ?? 0) && millis < (timeTo ?? Number.POSITIVE_INFINITY);
  }
}

/** Undefined where the values are none of this version's. */
function testOf(name: FilterName, values: readonly string[]): RecordTest | undefined {
  try {
    return filterTest(name, values);
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}

/** True if a record's value in a filtered dimension was masked. */
function isMasked(record: SealedRecord, name: FilterName): boolean {
  const dimension = DIMENSIONS.find((one) => one === filterOf(name));
  return dimensionsOf(record).some(([of, value]) => of === dimension && value.includes(MASKED));
}
