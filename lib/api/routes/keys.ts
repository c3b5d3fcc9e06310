import { hash } from 'node:crypto';
import * as z from 'zod';
import type { KeysReply, PublicKey, RetiredPublicKey } from '../../contract/replies.ts';
import type { Shape } from '../../json/shape.ts';
import type { RetiredKey } from '../../keys/retired-key.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { pemOf, type Verifier, verifierFromSpki } from '../../log/note.ts';
import { json } from '../core/http.ts';
import { ACTIONS } from '../core/principal.ts';
import { route } from '../core/route.ts';
import { count, hex } from './reply-fields.ts';
import { afterCursor, readPage, TRAIL_PAGE, trailCursor } from './trails.ts';

const keyFields = {
  trail: z.string(),
  name: z.string(),
  keyId: z.string(),
  algorithm: z.enum(['ed25519', 'ecdsa-p256']),
  vkey: z.string(),
  pem: z.string(),
  fingerprint: hex.describe('SHA-256 of the SubjectPublicKeyInfo.'),
} satisfies Shape<PublicKey>;
const keySchema = z.strictObject(keyFields);
const retiredKeySchema = z.strictObject({
  ...keyFields,
  to: count.describe('The size of the last checkpoint that it signed.'),
} satisfies Shape<RetiredPublicKey>);

export const keysSchema = z.strictObject({
  logName: z.string(),
  keys: z.array(keySchema).describe('The keys that sign now.'),
  retired: z
    .array(retiredKeySchema)
    .describe('Keys that used to sign: trust them only for checkpoints up to that size.'),
  cursor: trailCursor.optional(),
} satisfies Shape<KeysReply>);

/** Services for public keys. */
export interface KeyServices {
  readonly ledger: Pick<Ledger, 'trails' | 'verifiers' | 'origin'>;
  /** The log's name: the first part of every checkpoint's origin. */
  readonly logName: string;
  /** The keys that no longer sign. @default none */
  readonly retiredKeys?: () => Promise<readonly RetiredKey[]>;
}

/**
 * A vkey contains the origin of the checkpoints that it verifies, so there is one per trail; the PEM is the same for all.
 * Any permission on a trail is enough: a writer checks receipts with its keys.
 */
export const listKeys = route({
  name: 'listKeys',
  method: 'GET',
  path: '/v1/keys',
  action: { on: 'query', anyOf: ACTIONS },
  recorded: false,
  summary: 'The public keys that verify checkpoints.',
  query: z.strictObject({
    trail: z
      .array(z.string())
      .optional()
      .describe('The name of a trail; by default all that the caller has any right to, in pages.'),
    ...TRAIL_PAGE,
  }),
  replies: { 200: keysSchema },
  handler: async ({ ledger, logName, retiredKeys = async () => [] }: KeyServices, { query, mayAccess }) => {
    const { names, ...next } = query.trail
      ? { names: query.trail.filter(mayAccess) }
      : await readPage(ledger.trails(afterCursor(query)), mayAccess, query.limit);
    const keys: PublicKey[] = [];
    const retired: RetiredPublicKey[] = [];
    const ended = await retiredKeys();
    for (const trail of names) {
      for (const verifier of await ledger.verifiers(trail)) keys.push(keyOf(trail, verifier));
      for (const { spki, ends } of ended) {
        const to = Object.hasOwn(ends, trail) ? (ends[trail] ?? 0) : 0;
        // It signed nothing in a trail that began later or had no checkpoint by then.
        if (to > 0) retired.push({ ...keyOf(trail, verifierFromSpki(ledger.origin(trail), spki)), to });
      }
    }
    return json(200, { logName, keys, retired, ...next });
  },
});

function keyOf(trail: string, verifier: Verifier): PublicKey {
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
