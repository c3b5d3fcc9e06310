import * as z from 'zod';
import type { ConsistencyReply, CoseReceiptReply } from '../../contract/replies.ts';
import type { Shape } from '../../json/shape.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { provenConsistency, provenInclusion } from '../../ledger/tree/proven.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { toBase64 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash } from '../../log/hash.ts';
import { parseNote } from '../../log/note.ts';
import { formatProof } from '../../log/proof.ts';
import type { NodeReader } from '../../log/tree.ts';
import { json, text } from '../core/http.ts';
import { invalidParameter } from '../core/parameters.ts';
import { route } from '../core/route.ts';
import { wholeNumber } from './parameters.ts';
import { count, hash64, note } from './reply-fields.ts';

/** Services for proofs. */
export interface ProofServices {
  readonly ledger: Pick<Ledger, 'record' | 'checkpoint' | 'exactCheckpoint'>;
  /** Tree nodes of a trail. */
  readonly nodes: (trail: string) => NodeReader;
}

/** A C2SP tlog-proof of a record, against the newest checkpoint. */
export const getProof = route({
  name: 'getProof',
  method: 'GET',
  path: '/v1/trails/{trail}/events/{seq}/proof',
  action: { on: 'path', anyOf: ['read', 'verify'] },
  recorded: 'access.proof',
  summary: 'The proof that a record is in the log (C2SP tlog-proof).',
  params: z.strictObject({ seq: wholeNumber.describe('A record number, from 0 on.') }),
  replies: { 200: 'text/plain' },
  handler: async ({ ledger, nodes }: ProofServices, { params: { trail, seq } }) => {
    const line = await ledger.record(trail, seq);
    if (line === undefined) throw notFound(`trail ${trail} has no record ${seq}`);
    const checkpoint = await ledger.checkpoint(trail);
    if (checkpoint === undefined || checkpoint.size <= seq) {
      const message = 'no checkpoint covers the record yet: try again in a second';
      throw new SealtrailError('unavailable', message, { retryAfter: 1 });
    }
    const { size, root } = parseCheckpoint(parseNote(checkpoint.note).text);
    const hashes = await provenInclusion(nodes(trail), leafHash(line), seq, { size, root });
    return text(formatProof({ index: seq, hashes, checkpoint: checkpoint.note }));
  },
});

const coseReceiptSchema = z.strictObject({
  trail: z.string(),
  seq: count,
  receipt: z.string().describe('A COSE_Sign1 in base64 (RFC 9942, RFC9162_SHA256).'),
} satisfies Shape<CoseReceiptReply>);

/** Services for COSE receipts. */
export interface CoseServices {
  /** Signs a receipt of a record. */
  readonly coseReceipt: (trail: string, seq: number) => Promise<Uint8Array>;
}

/** It holds only hashes and the name of the trail: what a reader may have of a record, who has the record. */
export const getCoseReceipt = route({
  name: 'getCoseReceipt',
  method: 'GET',
  path: '/v1/trails/{trail}/events/{seq}/receipt',
  action: { on: 'path', anyOf: ['read', 'verify'] },
  recorded: false,
  summary: 'A COSE receipt that a record is in the log (RFC 9942), signed for this call.',
  params: z.strictObject({ seq: wholeNumber.describe('A record number, from 0 on.') }),
  replies: { 200: coseReceiptSchema },
  handler: async ({ coseReceipt }: CoseServices, { params: { trail, seq } }) =>
    json(200, { trail, seq, receipt: toBase64(await coseReceipt(trail, seq)) }),
});

export const consistencySchema = z.strictObject({
  trail: z.string(),
  from: count,
  to: count,
  proof: z.array(hash64).describe('RFC 6962 section 2.1.2.'),
  checkpoints: z.strictObject({ from: note, to: note }),
} satisfies Shape<ConsistencyReply>);

/** It contains only hashes, so producers may request it too, to compare the checkpoints of their receipts. */
export const getConsistency = route({
  name: 'getConsistency',
  method: 'GET',
  path: '/v1/trails/{trail}/consistency',
  action: { on: 'path', anyOf: ['read', 'append', 'verify'] },
  recorded: false,
  summary: 'The proof that the checkpoint of size `to` extends the one of size `from`.',
  query: z.strictObject({
    from: wholeNumber.describe('The size of the older checkpoint.'),
    to: wholeNumber.optional().describe('The size of the newer checkpoint; by default the newest.'),
  }),
  replies: { 200: consistencySchema },
  handler: async (services: ProofServices, { params: { trail }, query: { from, to: given } }) => {
    const to = given ?? (await services.ledger.checkpoint(trail))?.size;
    if (to === undefined) throw notFound('no checkpoint yet');
    if (from > to && given === undefined) {
      throw notFound(`trail ${trail} has no checkpoint of size ${from}: the newest is of ${to}`);
    }
    if (from > to) throw invalidParameter('from', 'must not be greater than to');
    const [older, newer] = await Promise.all([checkpointAt(services, trail, from), checkpointAt(services, trail, to)]);
    const proof = await provenConsistency(services.nodes(trail), older, newer);
    return json(200, {
      trail,
      from,
      to,
      proof: proof.map(toBase64),
      checkpoints: { from: older.note, to: newer.note },
    });
  },
});

async function checkpointAt({ ledger }: ProofServices, trail: string, size: number) {
  const stored = await ledger.exactCheckpoint(trail, size);
  if (stored === undefined) {
    const next = await ledger.checkpoint(trail, size);
    const hint = next === undefined ? '' : `: the next one is of ${next.size}`;
    throw notFound(`trail ${trail} has no checkpoint of size ${size}${hint}`);
  }
  return { ...parseCheckpoint(parseNote(stored.note).text), note: stored.note };
}

const notFound = (message: string): SealtrailError => new SealtrailError('not_found', message);
