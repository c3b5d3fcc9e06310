import { DIMENSIONS } from '../contract/dimensions.ts';
import type { Absence, AbsenceReason, FilterName } from '../contract/query.ts';
import { COUNTED, type Summary } from '../contract/summary.ts';
import { nearNames } from './near.ts';
import { dimensionPattern, type FilterValuesByName } from './tests.ts';

/** A value of a filter that no record has. */
export interface Missing {
  readonly filter: FilterName;
  readonly value: string;
  readonly near: readonly string[];
}

/** The extent of a trail in which a question found nothing. */
export interface Found {
  readonly trail: string;
  readonly size: number;
  readonly first?: number | undefined;
  readonly newest?: number | undefined;
  /** The period that was asked for. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** True if there are records in the period and of the numbers. */
  readonly isInPeriod: boolean;
  readonly missing: readonly Missing[];
}

/** Why an answer is empty. */
export function absencesOf({ trail, size, first, newest, from, to, isInPeriod, missing }: Found): readonly Absence[] {
  const known = { trail, size, ...(first !== undefined && { first }), ...(newest !== undefined && { newest }) };
  const because = (reason: AbsenceReason, more: Partial<Absence> = {}): Absence => ({ reason, ...known, ...more });
  if (size === 0) return [because('no_trail')];
  const unknown = missing.map(({ filter, value, near }) =>
    because('no_such_value', { filter, value, ...(near.length > 0 && { near }) }),
  );
  if (unknown.length > 0) return unknown;
  if (isInPeriod) return [because('none_passes')];
  if (first !== undefined && to !== undefined && to <= first) return [because('period_before')];
  if (newest !== undefined && from !== undefined && from > newest) return [because('period_after')];
  return [because('period_empty')];
}

/** Values of filters that are looked for one by one, at most. */
const MAX_VALUES = 10;
/** Values of a dimension among which near ones are looked for. */
const MAX_NAMES = 1000;

/** The sources from which an empty answer is explained. */
export interface AbsenceContext {
  readonly trail: string;
  readonly head: { readonly size: number; readonly receivedAt: number };
  /** When the first record was received. */
  readonly first: number | undefined;
  /** True if there are records in the period and of the numbers. */
  readonly isInPeriod: boolean;
  /** True if any record of the trail has a value; undefined where that takes too long to tell. */
  readonly has: (filters: FilterValuesByName) => Promise<boolean | undefined>;
  readonly counts: (top: number) => Promise<Summary>;
}

/** Why no record passed a query. */
export async function findAbsence(
  { trail, head, first, isInPeriod, has, counts }: AbsenceContext,
  { filters, from, to }: { readonly filters: FilterValuesByName; readonly from?: number; readonly to?: number },
): Promise<readonly Absence[]> {
  const newest = head.size === 0 ? undefined : head.receivedAt;
  const known = { trail, size: head.size, first, newest, from, to, isInPeriod };
  if (head.size === 0) return absencesOf({ ...known, missing: [] });
  const missing: Missing[] = [];
  for (const { name, value } of valuesOf(filters)) {
    if ((await has({ [name]: [value] })) !== false) continue;
    const dimension = COUNTED.find((one) => one === name);
    const names = dimension === undefined ? [] : (await counts(MAX_NAMES)).by[dimension].values;
    missing.push({
      filter: name,
      value,
      near: nearNames(
        value,
        names.map((one) => one.value),
      ),
    });
  }
  return absencesOf({ ...known, missing });
}

/** The values that name one thing, by their filters. */
function valuesOf(filters: FilterValuesByName) {
  const all = DIMENSIONS.flatMap((name) => (filters[name] ?? []).map((value) => ({ name, value })));
  return all
    .filter(({ name, value }) => name !== 'severity' && dimensionPattern(name, value).kind === 'whole')
    .slice(0, MAX_VALUES);
}
