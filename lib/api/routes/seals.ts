import * as z from 'zod';
import type { Archiver } from '../../followers/archive/archiver.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { count, note } from './reply-fields.ts';

export const sealSchema = z.strictObject({ trail: z.string(), size: count, checkpoint: note.optional() });

/** What sealing needs. */
export interface SealServices {
  readonly archiver: Pick<Archiver, 'seal'>;
}

export const sealTrail = route({
  name: 'sealTrail',
  method: 'POST',
  path: '/v1/trails/{trail}/seals',
  action: { on: 'path', anyOf: ['admin'] },
  recorded: false,
  summary: 'Archive and seal all that the trail holds now.',
  replies: { 200: sealSchema },
  handler: async ({ archiver }: SealServices, { params: { trail } }) => {
    const checkpoint = await archiver.seal(trail);
    return json(200, { trail, size: checkpoint?.size ?? 0, ...(checkpoint && { checkpoint: checkpoint.note }) });
  },
});
