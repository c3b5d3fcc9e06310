import * as z from 'zod';
import type { SealReply } from '../../contract/replies.ts';
import type { Archiver } from '../../followers/archive/archiver.ts';
import type { Shape } from '../../json/shape.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { count, note } from './reply-fields.ts';

export const sealSchema = z.strictObject({
  trail: z.string(),
  size: count,
  checkpoint: note,
} satisfies Shape<SealReply>);

/** Services for sealing. */
export interface SealServices {
  readonly archiver: Pick<Archiver, 'seal'>;
}

export const sealTrail = route({
  name: 'sealTrail',
  method: 'POST',
  path: '/v1/trails/{trail}/seals',
  action: { on: 'path', anyOf: ['admin'] },
  recorded: false,
  summary: 'Archive and seal all records that the trail has now.',
  replies: { 200: sealSchema },
  handler: async ({ archiver }: SealServices, { params: { trail } }) => {
    const checkpoint = await archiver.seal(trail).catch((error) => rethrow(trail, error));
    if (checkpoint === undefined) throw new SealtrailError('not_found', `trail ${trail} has no records`);
    return json(200, { trail, size: checkpoint.size, checkpoint: checkpoint.note });
  },
});

const IN_THE_WAY: ReadonlySet<ErrorCode> = new Set(['object_differs', 'store_corrupt']);

/** Tells an administrator that something is in the archive's way; the log says what. */
function rethrow(trail: string, cause: unknown): never {
  if (!(cause instanceof SealtrailError) || !IN_THE_WAY.has(cause.code)) throw cause;
  const message = `the archive of trail ${trail} holds something that the log did not put there, so it was not sealed: the server's log says what`;
  throw new SealtrailError('archive_damaged', message, { cause });
}
