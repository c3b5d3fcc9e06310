import { hash } from 'node:crypto';
import { DIMENSION_RULES, DIMENSIONS } from '../../contract/dimensions.ts';
import { COUNTED } from '../../contract/summary.ts';

/**
 * The layout version of the index's items. Increase it whenever keys, encodings, fingerprints or groups of types change.
 */
const LAYOUT = 1;

/**
 * A digest of everything besides the records that an index depends on: 16 hexadecimal digits of a SHA-256. An index with
 * another digest was written under other rules and may lack entries that this version would look up, so it is rebuilt.
 */
export const INDEX_RULES: string = hash(
  'sha256',
  JSON.stringify({ layout: LAYOUT, dimensions: DIMENSIONS, rules: DIMENSION_RULES, counted: COUNTED }),
  'hex',
).slice(0, 16);
