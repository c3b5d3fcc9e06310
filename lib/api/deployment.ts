import { hash } from 'node:crypto';
import { SealtrailError } from '../log/error.ts';
import { pemOf, type Verifier, verifierFromSpki } from '../log/note.ts';
import { rejectUnknown } from '../query/parse.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';
import type { ReadServices } from './services.ts';

/** `GET /v1/trails`: the trails that the caller may read, with their sizes. */
export async function listTrails({ ledger }: Pick<ReadServices, 'ledger'>, request: ApiRequest): Promise<ApiResponse> {
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
 * `GET /v1/keys[?trail=]`: the log's public keys, those that sign now and those that were retired. A vkey carries the name
 * of the checkpoints it verifies, so there is one for each trail asked for; the PEM is the same for all. Whoever may do
 * anything with a trail may have its keys: a writer checks receipts with them.
 */
export async function listKeys(services: ReadServices, request: ApiRequest): Promise<ApiResponse> {
  const { ledger, logName, retired: retiredKeys = [] } = services;
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
  const retired: object[] = [];
  for (const trail of trails) {
    for (const verifier of await ledger.verifiers(trail)) keys.push(keyOf(trail, verifier));
    for (const { spki, ends } of retiredKeys) {
      const to = Object.hasOwn(ends, trail) ? (ends[trail] ?? 0) : 0;
      // A trail that began after its end, or had no checkpoint by then, has nothing that it signed.
      if (to > 0) retired.push({ ...keyOf(trail, verifierFromSpki(ledger.origin(trail), spki)), to });
    }
  }
  return json(200, { logName, keys, retired });
}

function keyOf(trail: string, verifier: Verifier): object {
  return {
    trail,
    name: verifier.name,
    keyId: verifier.keyId.toString(16).padStart(8, '0'),
    algorithm: verifier.algorithm,
    vkey: verifier.vkey,
    pem: pemOf(verifier),
    fingerprint: hash('sha256', verifier.spki, 'hex'),
  };
}
