import * as z from 'zod';
import { MASKED_FILTERS, type Masked } from '../../contract/query.ts';
import type { Breakdown } from '../../contract/summary.ts';
import type { Shape } from '../../json/shape.ts';

/** Schemas of fields that several responses share. */

export const count = z.int().min(0);
export const seq = count.describe('A record number, from 0 on.');
export const millis = count.describe('Unix milliseconds.');
export const hex = z.string().regex(/^[0-9a-f]{64}$/);
export const hash64 = z.string().length(44).describe('A SHA-256 hash in base64.');
export const note = z.string().describe('A signed checkpoint (C2SP tlog-checkpoint).');
export const masked = z.strictObject({
  filter: z.enum(MASKED_FILTERS),
  asked: z.string(),
  as: z.string().describe('How records hold it.'),
  shared: z
    .string()
    .describe('The mask without a tag, where records have it: they may be of others whose addresses look alike.')
    .exactOptional(),
} satisfies Shape<Masked>);
export const breakdown = z.strictObject({
  values: z.array(z.strictObject({ value: z.string(), count })).describe('Most records first.'),
  distinct: count,
  others: count.describe('Records with values that are not listed.'),
} satisfies Shape<Breakdown>);
