import { hash } from 'node:crypto';
import { DIMENSION_RULES, DIMENSIONS } from '../../contract/dimensions.ts';
import { COUNTED } from '../../contract/summary.ts';

/**
 * How the items of the index are laid out: the next number whenever keys, encodings, fingerprints or groups of types change.
 */
const LAYOUT = 1;

/**
 * Names everything that an index depends on besides the records: 16 hexadecimal digits of a SHA-256. An index under another name was
 * written by a version with other rules. It may lack what this version would look for, so it is not read but built again.
 */
export const INDEX_RULES: string = hash(
  'sha256',
  JSON.stringify({ layout: LAYOUT, dimensions: DIMENSIONS, rules: DIMENSION_RULES, counted: COUNTED }),
  'hex',
).slice(0, 16);
