import { type Dimension, dimensionsOf } from '../contract/dimensions.ts';
import { type Filter, type FilterName, filterOf } from '../contract/query.ts';
import { isObject } from '../log/json.ts';
import type { SealedRecord } from '../log/record.ts';
import { conditionOf, conditionTest } from './conditions.ts';
import { fits, patternOf, type ValuePattern } from './patterns.ts';
import { WORDS_OF } from './values.ts';

/** Values by the filter's name, at least one each, in the form in which the API takes them; `severity` is a list of severities. */
export type FilterValuesByName = Readonly<Partial<Record<FilterName, readonly string[]>>>;

/** True if a record passes. */
export type RecordTest = (record: SealedRecord) => boolean;

/** True if a filter's values are patterns. */
const takesPatterns = (filter: Filter): boolean =>
  filter !== 'where' && filter !== 'text' && WORDS_OF[filter] === undefined;

/** The pattern that a value of a dimension's filter stands for. */
export function dimensionPattern(dimension: Dimension, value: string): ValuePattern {
  return takesPatterns(dimension) ? patternOf(value) : { kind: 'whole', text: value };
}

/**
 * The test of one filter, or of its contrary. Of several values any may fit, but every condition of `where` must hold; of a
 * contrary none may.
 *
 * @throws `invalid_parameter` for a value that the filter does not take
 */
export function filterTest(name: FilterName, values: readonly string[]): RecordTest {
  const filter = filterOf(name) ?? 'text';
  const isContrary = filter !== name;
  if (filter === 'where') {
    const tests = values.map((value) => conditionTest(conditionOf(value)));
    return ({ event }) => tests.every((test) => test(event) !== isContrary);
  }
  const passes = anyOf(filter, values);
  return isContrary ? (record) => !passes(record) : passes;
}

function anyOf(filter: Exclude<Filter, 'where'>, values: readonly string[]): RecordTest {
  if (filter === 'text') {
    const wanted = values.map(folded);
    return ({ event }) => hasText(event, wanted);
  }
  const patterns = values.map((value) => dimensionPattern(filter, value));
  return (record) =>
    dimensionsOf(record).some(([name, value]) => name === filter && patterns.some((pattern) => fits(pattern, value)));
}

/** Text without the difference between upper and lower case, wherever it stands. */
export const folded = (text: string): string => text.toLowerCase().replaceAll('ς', 'σ');

function hasText(value: unknown, wanted: readonly string[]): boolean {
  if (typeof value === 'string') {
    const text = folded(value);
    return wanted.some((one) => text.includes(one));
  }
  if (Array.isArray(value)) return value.some((one) => hasText(one, wanted));
  return isObject(value) && Object.values(value).some((one) => hasText(one, wanted));
}
