import { provenConsistency, provenInclusion } from '../ledger/tree/proven.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { toBase64 } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { leafHash } from '../log/hash.ts';
import { parseNote } from '../log/note.ts';
import { formatProof } from '../log/proof.ts';
import { rejectUnknown } from '../query/parse.ts';
import { type ApiRequest, type ApiResponse, json, text } from './http.ts';
import { countIn, countOf, trailOf } from './parameters.ts';
import type { ReadServices } from './services.ts';

type Parameters = Readonly<Record<string, string>>;

/** `GET …/checkpoint[?size=]`: the newest signed checkpoint, or the smallest that covers so many records. */
export async function getCheckpoint(services: ReadServices, request: ApiRequest, parameters: Parameters) {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  rejectUnknown(request.query, ['size']);
  const size = countIn(request.query, 'size');
  const checkpoint = await services.ledger.checkpoint(trail, size);
  if (checkpoint === undefined)
    throw notFound(size === undefined ? 'no checkpoint yet' : `no checkpoint covers ${size}`);
  return text(checkpoint.note);
}

/** `GET …/events/{seq}/proof`: a C2SP tlog-proof of a record, against the newest checkpoint. */
export async function getProof(services: ReadServices, request: ApiRequest, parameters: Parameters) {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  rejectUnknown(request.query, []);
  const seq = countOf(parameters.seq ?? '', 'seq');
  const line = await services.ledger.record(trail, seq);
  if (line === undefined) throw notFound(`trail ${trail} has no record ${seq}`);
  const checkpoint = await services.ledger.checkpoint(trail);
  if (checkpoint === undefined || checkpoint.size <= seq) {
    const message = 'no checkpoint covers the record yet: try again in a second';
    throw new SealtrailError('unavailable', message, { retryAfter: 1 });
  }
  const { size, root } = parseCheckpoint(parseNote(checkpoint.note).text);
  const hashes = await provenInclusion(services.nodes(trail), leafHash(line), seq, { size, root });
  return text(formatProof({ index: seq, hashes, checkpoint: checkpoint.note }));
}

/**
 * `GET …/consistency?from=&to=`: the proof that the checkpoint of size `to` extends the one of size `from`. It holds hashes
 * alone, so those who append may ask too: they compare the checkpoints of their receipts.
 */
export async function getConsistency(
  services: ReadServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  if (!request.principal.may('append', trail)) request.principal.demand('read', trail);
  rejectUnknown(request.query, ['from', 'to']);
  const from = countIn(request.query, 'from');
  const asked = countIn(request.query, 'to');
  const to = asked ?? (await services.ledger.checkpoint(trail))?.size;
  if (from === undefined) throw new SealtrailError('invalid_parameter', 'from: is missing', { field: 'from' });
  if (to === undefined) throw notFound('no checkpoint yet');
  if (from > to && asked === undefined) {
    throw notFound(`trail ${trail} has no checkpoint of size ${from}: the newest is of ${to}`);
  }
  if (from > to) throw new SealtrailError('invalid_parameter', 'from: must not be greater than to', { field: 'from' });
  const [older, newer] = await Promise.all([checkpointAt(services, trail, from), checkpointAt(services, trail, to)]);
  const proof = await provenConsistency(services.nodes(trail), older, newer);
  return json(200, { trail, from, to, proof: proof.map(toBase64), checkpoints: { from: older.note, to: newer.note } });
}

async function checkpointAt({ ledger }: ReadServices, trail: string, size: number) {
  const stored = await ledger.exactCheckpoint(trail, size);
  if (stored === undefined) {
    const next = await ledger.checkpoint(trail, size);
    const hint = next === undefined ? '' : `: the next one is of ${next.size}`;
    throw notFound(`trail ${trail} has no checkpoint of size ${size}${hint}`);
  }
  return { ...parseCheckpoint(parseNote(stored.note).text), note: stored.note };
}

const notFound = (message: string): SealtrailError => new SealtrailError('not_found', message);
