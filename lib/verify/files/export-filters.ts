import { DIMENSIONS, type Dimension, dimensionsOf } from '../../contract/dimensions.ts';
import type { ExportManifest } from '../../contract/exports.ts';
import { timeMillis } from '../../event/time.ts';
import type { SealedRecord } from '../../log/record.ts';

/** What masking leaves in place of what it takes: the value that a filter named may have been this one. */
const MASKED = '***';

/**
 * Holds the records of an export against the filters that its manifest names: every record must pass every one. What cannot
 * be judged is remembered, and is not proven: a dimension that this version does not know, a value that was masked.
 */
export class ExportFilters {
  readonly #clauses: readonly (readonly [Dimension, readonly string[]])[];
  readonly #period: Pick<ExportManifest, 'timeFrom' | 'timeTo'>;
  readonly #unproven = new Set<string>();

  constructor({ filters, timeFrom, timeTo }: ExportManifest) {
    const known = new Map<string, Dimension>(DIMENSIONS.map((dimension) => [dimension, dimension]));
    this.#clauses = Object.entries(filters).flatMap(([name, values]) => {
      const dimension = known.get(name);
      if (dimension === undefined) this.#unproven.add(`filters.${name}`);
      return dimension === undefined ? [] : [[dimension, values] as const];
    });
    this.#period = { ...(timeFrom !== undefined && { timeFrom }), ...(timeTo !== undefined && { timeTo }) };
  }

  /** The filter that a record does not pass; undefined where it passes all, or it cannot be told. */
  refusal(record: SealedRecord): string | undefined {
    if (!this.#isOfPeriod(record.event.time)) return 'it did not happen in the period of the manifest';
    const dimensions = dimensionsOf(record);
    for (const [dimension, wanted] of this.#clauses) {
      const values = dimensions.flatMap(([name, value]) => (name === dimension ? [value] : []));
      if (values.some((value) => wanted.some((one) => passes(value, one)))) continue;
      if (!values.some((value) => value.includes(MASKED))) return `it does not pass the filter ${dimension}`;
      this.#unproven.add(`filters.${dimension}`);
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

/** `auth.*` stands for all that begins with `auth.`, in types. */
const passes = (value: string, wanted: string): boolean =>
  wanted.endsWith('.*') ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
