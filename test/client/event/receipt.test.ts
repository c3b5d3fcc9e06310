import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, checkReceipt, readReceipt, type Trust } from '../../../lib/client/event/receipt.ts';
import type { Receipt } from '../../../lib/contract/receipt.ts';
import { formatCheckpoint } from '../../../lib/log/checkpoint.ts';
import { toBase64, toHex } from '../../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../../lib/log/frontier.ts';
import { leafHash } from '../../../lib/log/hash.ts';
import { formatNote, type Verifier, verifierFromSpki } from '../../../lib/log/note.ts';
import { recordLine } from '../../../lib/log/record.ts';
import { rangeProofFrom } from '../../../lib/log/tree.ts';

const keys = generateKeyPairSync('ed25519');
const spki = keys.publicKey.export({ format: 'der', type: 'spki' });
const verifiers = ['orders', 'payments'].map((trail) => verifierFromSpki(`log.example/${trail}`, spki));
const [orders, payments] = verifiers as [Verifier, Verifier]; // two names make two verifiers

const trust: Trust = (origin) => verifiers.filter((verifier) => verifier.name === origin);

function noteBy(verifier: Verifier, text: string, key = keys.privateKey): string {
  return formatNote(text, [
    { name: verifier.name, keyId: verifier.keyId, signature: sign(null, Buffer.from(text), key) },
  ]);
}

const lines = Array.from({ length: 9 }, (_, seq) =>
  recordLine(
    {
      trail: 'orders',
      seq,
      prev: createHash('sha256').update(`${seq}`).digest('hex'),
      receivedAt: 1000 + seq,
      submitter: 'w',
    },
    JSON.stringify({ id: `event-${seq}`, type: 'data.read' }),
  ),
);

/** The honest receipt for records `first` to `end - 1` of the nine, sealed by a checkpoint over all of them. */
function receiptFor(first: number, end: number): Receipt & Required<Pick<Receipt, 'checkpoint' | 'proof' | 'lines'>> {
  // Grown from the record on, so that every node of the proof is known.
  const before = appendLeaves(EMPTY_FRONTIER, lines.slice(0, first).map(leafHash)).frontier;
  const growth = appendLeaves(before, lines.slice(first).map(leafHash));
  const text = formatCheckpoint({ origin: orders.name, size: lines.length, root: growth.root });
  return {
    trail: 'orders',
    first,
    count: end - first,
    receivedAt: 1000 + end,
    events: lines
      .slice(first, end)
      .map((line, i) => ({ seq: first + i, id: `event-${first + i}`, hash: toHex(leafHash(line)) })),
    sealed: true,
    checkpoint: noteBy(orders, text),
    proof: rangeProofFrom(growth, first, end).map(toBase64),
    replayed: false,
    lines: lines.slice(first, end),
  };
}

describe('a receipt', () => {
  it.each([
    [0, 9],
    [0, 1],
    [3, 7],
    [8, 9],
  ])('proves that records %i up to %i are under the signed root', (first, end) => {
    const checkpoint = checkReceipt(receiptFor(first, end), { trail: 'orders', count: end - first }, trust);
    expect(checkpoint).toMatchObject({ origin: 'log.example/orders', size: 9 });
  });

  it('proves as much without the record lines', () => {
    const { lines: _, ...receipt } = receiptFor(3, 7);
    expect(checkReceipt(receipt, { trail: 'orders', count: 4 }, trust)?.size).toBe(9);
  });

  it('that is not sealed yet proves nothing yet, and says so', () => {
    const { checkpoint: _, proof: __, ...receipt } = receiptFor(3, 7);
    expect(checkReceipt({ ...receipt, sealed: false }, { trail: 'orders', count: 4 }, trust)).toBeUndefined();
  });
});

describe('a server that lies is found out', () => {
  const honest = receiptFor(3, 7);
  const event = honest.events[0] ?? { seq: 0, id: '', hash: '' };
  const otherKey = generateKeyPairSync('ed25519').privateKey;
  const text = honest.checkpoint.slice(0, honest.checkpoint.indexOf('\n\n') + 1);
  const forged = text.replace('\n9\n', '\n8\n');

  it.each<[string, Partial<Receipt>, string, RegExp]>([
    ['another trail', { trail: 'payments' }, 'proof_mismatch', /it is for the trail payments, not orders$/],
    ['an event too few', { events: honest.events.slice(1) }, 'proof_mismatch', /it is for 3 events, and 4 were sent$/],
    ['another count', { count: 3 }, 'proof_mismatch', /and 4 were sent$/],
    [
      'numbers with a gap',
      { events: [{ ...event, seq: 4 }, ...honest.events.slice(1)] },
      'proof_mismatch',
      /event 0 is record 4, where 3 was due$/,
    ],
    [
      'another place',
      { first: 4, events: honest.events.map((one) => ({ ...one, seq: one.seq + 1 })), lines: undefined as never },
      'proof_mismatch',
      /^the receipt is wrong: /,
    ],
    [
      'a hash that is none',
      { events: [{ ...event, hash: 'XY' }, ...honest.events.slice(1)] },
      'proof_mismatch',
      /hash of record 3 is not lower-case hexadecimal$/,
    ],
    [
      'a short hash',
      { events: [{ ...event, hash: 'abcd' }, ...honest.events.slice(1)], lines: undefined as never },
      'proof_mismatch',
      /^the receipt is wrong: /,
    ],
    [
      'another line',
      { lines: [lines[2] ?? '', ...honest.lines.slice(1)] },
      'proof_mismatch',
      /the line of record 3 has another hash$/,
    ],
    ['a line too many', { lines: [...honest.lines, 'x'] }, 'proof_mismatch', /it holds 5 lines for 4 events$/],
    [
      'a line that is no record',
      { lines: ['{}', ...honest.lines.slice(1)] },
      'proof_mismatch',
      /^the receipt is wrong: a record has exactly the fields/,
    ],
    [
      'another event id',
      { events: [{ ...event, id: 'event-8' }, ...honest.events.slice(1)] },
      'proof_mismatch',
      /the line of record 3 is that of another record$/,
    ],
    [
      'sealed without a checkpoint',
      { checkpoint: undefined as never },
      'proof_mismatch',
      /has no checkpoint or no proof$/,
    ],
    ['sealed without a proof', { proof: undefined as never }, 'proof_mismatch', /has no checkpoint or no proof$/],
    ['a proof too short', { proof: honest.proof.slice(1) }, 'proof_mismatch', /^the receipt is wrong: /],
    [
      'a proof that is no base64',
      { proof: ['?', ...honest.proof.slice(1)] },
      'proof_mismatch',
      /a hash of its proof is not canonical base64$/,
    ],
    ['a checkpoint that is none', { checkpoint: 'hello' }, 'proof_mismatch', /^the receipt is wrong: /],
    [
      'a checkpoint by another key',
      { checkpoint: noteBy(orders, text, otherKey) },
      'bad_signature',
      /the signature by the key log\.example\/orders does not hold/,
    ],
    [
      'a checkpoint changed after it was signed',
      { checkpoint: honest.checkpoint.replace('\n9\n', '\n10\n') },
      'bad_signature',
      /does not hold/,
    ],
    [
      'a checkpoint of another size, well signed',
      { checkpoint: noteBy(orders, forged) },
      'proof_mismatch',
      /^the receipt is wrong: /,
    ],
    [
      "another trail's checkpoint",
      { checkpoint: noteBy(payments, text.replace('orders', 'payments')) },
      'proof_mismatch',
      /^the receipt is wrong: the checkpoint is of log\.example\/payments, which is not the trail orders$/,
    ],
    [
      "another trail's key under this trail's text",
      { checkpoint: noteBy(payments, text) },
      'bad_signature',
      /no signature is by a key that is trusted/,
    ],
  ])('%s', (_, change, code, message) => {
    // What a row sets to undefined is absent from the wire.
    const receipt = readReceipt(JSON.parse(JSON.stringify({ ...honest, ...change })));
    expect(() => checkReceipt(receipt, { trail: 'orders', count: 4 }, trust)).toThrow(
      expect.objectContaining({ name: 'SealtrailError', code, message: expect.stringMatching(message) }),
    );
  });

  it('and a trail whose key no one gave proves nothing', () => {
    expect(() => checkpointOf(honest.checkpoint, 'orders', () => [])).toThrow(
      expect.objectContaining({ code: 'bad_signature', message: 'no signature is by a key that is trusted' }),
    );
  });
});

describe('the shape of an answer', () => {
  it('is checked before anything is done with it: whatever comes, the verdict is coded', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => readReceipt(value)).toThrow(
          expect.objectContaining({ code: 'proof_mismatch', message: expect.stringMatching(/shape of a receipt$/) }),
        );
      }),
    );
  });

  it('may hurt any field, and never ends in a wrong ok or a TypeError', () => {
    const honest = receiptFor(3, 7);
    const fields = Object.keys(honest).filter((name) => name !== 'receivedAt' && name !== 'replayed');
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
        fc.pre(
          !(field === 'sealed' && value === false) &&
            JSON.stringify(Reflect.get(honest, field)) !== JSON.stringify(value),
        );
        expect(() =>
          checkReceipt(readReceipt({ ...honest, [field]: value }), { trail: 'orders', count: 4 }, trust),
        ).toThrow(expect.objectContaining({ name: 'SealtrailError' }));
      }),
    );
  });
});
