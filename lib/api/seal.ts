import type { Archiver } from '../followers/archive/archiver.ts';
import { rejectUnknown } from '../query/parse.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';

/** What the routes for administrators need. */
export interface AdminServices {
  readonly archiver: Pick<Archiver, 'seal'>;
}

/** `POST …/seals`: signs, archives and seals all that the trail holds now. For those who may administer it. */
export async function sealTrail(
  { archiver }: AdminServices,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('admin', trail);
  rejectUnknown(request.query, []);
  const checkpoint = await archiver.seal(trail);
  return json(200, { trail, size: checkpoint?.size ?? 0, ...(checkpoint && { checkpoint: checkpoint.note }) });
}
