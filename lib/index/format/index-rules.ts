import { hash } from 'node:crypto';
import { DIMENSION_RULES, DIMENSIONS } from '../../contract/dimensions.ts';
import { COUNTED } from '../../contract/summary.ts';

/** The version of the leaves and counts of runs. Increase it whenever keys, groups of types, leaves or counts change. */
const LAYOUT = 2;
/** The version of the files of runs, and of the list of them. What is stated and proven of a run does not depend on it. */
const FILES = 2;

/**
 * A digest of everything besides the records that an index depends on: 16 hexadecimal digits of a SHA-256. An index with
 * another digest was written under other rules and may lack entries that this version would look up, so it is rebuilt.
 */
export const INDEX_RULES: string = hash(
  'sha256',
  JSON.stringify({ layout: LAYOUT, dimensions: DIMENSIONS, rules: DIMENSION_RULES, counted: COUNTED }),
  'hex',
).slice(0, 16);

/** The rules and file format that a stored index must have been written by to be read: other rules or other files are replaced in the background. */
export const INDEX_FORM: string = `${INDEX_RULES}.${FILES}`;
