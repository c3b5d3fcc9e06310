import { DIMENSIONS, type Dimension } from '../contract/dimensions.ts';
import type { FilterName } from '../contract/query.ts';
import { dimensionPattern } from './tests.ts';

/** A filter as the index knows it: a record that passes carries at least one of the terms. */
export interface IndexedTerms {
  readonly dimension: Dimension;
  /** Whole values. */
  readonly values: readonly string[];
  /** Groups of types, such as `auth.*`. */
  readonly groups: readonly string[];
}

/** `auth.*`, which the index files every type of the group under. */
const TYPE_GROUP = /^[^*]*\.\*$/;

/** The terms of a filter; undefined if the index does not carry all of its values. */
export function indexedTerms(name: FilterName, asked: readonly string[]): IndexedTerms | undefined {
  const dimension = DIMENSIONS.find((one) => one === name);
  if (dimension === undefined) return undefined;
  const isGroup = (value: string): boolean => dimension === 'type' && TYPE_GROUP.test(value);
  const groups = [...new Set(asked.filter(isGroup))];
  const patterns = asked.filter((value) => !isGroup(value)).map((value) => dimensionPattern(dimension, value));
  if (patterns.some(({ kind }) => kind !== 'whole')) return undefined;
  return { dimension, values: [...new Set(patterns.map(({ text }) => text))], groups };
}
