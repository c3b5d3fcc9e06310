import * as z from 'zod';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { text } from '../core/http.ts';
import { route } from '../core/route.ts';
import { wholeNumber } from './parameters.ts';

/** Services for checkpoints. */
export interface CheckpointServices {
  readonly ledger: Pick<Ledger, 'checkpoint' | 'head'>;
}

export const getCheckpoint = route({
  name: 'getCheckpoint',
  method: 'GET',
  path: '/v1/trails/{trail}/checkpoint',
  action: { on: 'path', anyOf: ['read', 'verify'] },
  recorded: false,
  summary: 'The newest signed checkpoint, or the smallest that covers `size` records.',
  query: z.strictObject({ size: wholeNumber.optional().describe('Records that the checkpoint must cover.') }),
  replies: { 200: 'text/plain' },
  handler: async ({ ledger }: CheckpointServices, { params: { trail }, query: { size } }) => {
    const checkpoint = await ledger.checkpoint(trail, size);
    if (checkpoint !== undefined) return text(checkpoint.note);
    const head = await ledger.head(trail);
    if (head !== undefined && head.size >= (size ?? 1)) {
      // As a proof of such a record is: it is signed within a second or so.
      throw new SealtrailError('unavailable', 'no checkpoint covers it yet: try again in a second', { retryAfter: 1 });
    }
    throw new SealtrailError('not_found', size === undefined ? 'no checkpoint yet' : `no checkpoint covers ${size}`);
  },
});
