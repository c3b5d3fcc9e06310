import * as z from 'zod';
import type { WitnessedHead } from '../../contract/witnessed-head.ts';
import type { Shape } from '../../json/shape.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { wholeNumber } from './parameters.ts';
import { count, hash64, note } from './reply-fields.ts';

export const witnessedSchema = z.strictObject({
  format: z.literal('sealtrail-witnessed/1'),
  trail: z.string(),
  from: count.describe('Records of the checkpoint that it leads from.'),
  proof: z.array(hash64).describe('RFC 6962 section 2.1.2, from there to `checkpoint`.'),
  checkpoint: note,
  statement: z
    .strictObject({
      line: z.string().describe('The record of `_heads` that states `checkpoint`.'),
      proof: z.array(hash64).describe('RFC 6962 section 2.1.1, under `heads`.'),
    })
    .describe('Absent for `_heads` itself.')
    .exactOptional(),
  heads: z.string().describe('The checkpoint of `_heads` with the cosignatures (C2SP tlog-cosignature).'),
} satisfies Shape<WitnessedHead>);

/** Services for cosigned heads. */
export interface WitnessedServices {
  /** The way from a checkpoint to the newest cosigned head that covers it. */
  readonly witnessed: (trail: string, from: number | undefined) => Promise<WitnessedHead>;
}

/** It holds only checkpoints and hashes, so producers may request it too, for the checkpoints of their receipts. */
export const getWitnessed = route({
  name: 'getWitnessed',
  method: 'GET',
  path: '/v1/trails/{trail}/witnessed',
  action: { on: 'path', anyOf: ['read', 'append', 'verify'] },
  recorded: false,
  summary: 'The way from a checkpoint to the cosignatures of witnesses: the newest cosigned head that covers it.',
  query: z.strictObject({
    from: wholeNumber.optional().describe('The size of the checkpoint; by default that of the cosigned head.'),
  }),
  replies: { 200: witnessedSchema },
  handler: async ({ witnessed }: WitnessedServices, { params: { trail }, query: { from } }) =>
    json(200, await witnessed(trail, from)),
});
