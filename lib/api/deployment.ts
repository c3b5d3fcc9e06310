import { hash } from 'node:crypto';
import { SealtrailError } from '../log/error.ts';
import { pemOf } from '../log/note.ts';
import { rejectUnknown } from '../query/parse.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';
import type { Services } from './services.ts';

/** `GET /v1/trails`: the trails that the caller may read, with their sizes. */
export async function listTrails({ ledger }: Services, request: ApiRequest): Promise<ApiResponse> {
  rejectUnknown(request.query, []);
  const trails: object[] = [];
  for await (const trail of ledger.trails()) {
    if (!request.principal.may('read', trail)) continue;
    const head = await ledger.head(trail);
    trails.push({ trail, size: head?.size ?? 0, receivedAt: head?.receivedAt ?? 0 });
  }
  return json(200, { trails });
}

/**
 * `GET /v1/keys[?trail=]`: the log's public keys. A vkey carries the name of the checkpoints it verifies, so there is
 * one for each trail asked for; the PEM is the same for all. Whoever may do
 * anything with a trail may have its keys: a writer checks receipts with them.
 */
export async function listKeys({ ledger, logName }: Services, request: ApiRequest): Promise<ApiResponse> {
  rejectUnknown(request.query, ['trail']);
  const trails = request.query.getAll('trail');
  for (const trail of trails) {
    if (!request.principal.knows(trailOf({ trail })))
      throw new SealtrailError('forbidden', `not allowed: trail ${trail}`);
  }
  if (trails.length === 0) {
    for await (const trail of ledger.trails()) if (request.principal.knows(trail)) trails.push(trail);
  }
  const keys: object[] = [];
  for (const trail of trails) {
    for (const verifier of await ledger.verifiers(trail)) {
      keys.push({
        trail,
        name: verifier.name,
        keyId: verifier.keyId.toString(16).padStart(8, '0'),
        algorithm: verifier.algorithm,
        vkey: verifier.vkey,
        pem: pemOf(verifier),
        fingerprint: hash('sha256', verifier.spki, 'hex'),
      });
    }
  }
  return json(200, { logName, keys });
}

/** `POST …/seals`: signs, archives and seals all that the trail holds now. For those who may administer it. */
export async function sealTrail(
  { archiver }: Services,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('admin', trail);
  const checkpoint = await archiver.seal(trail);
  return json(200, { trail, size: checkpoint?.size ?? 0, ...(checkpoint && { checkpoint: checkpoint.note }) });
}
