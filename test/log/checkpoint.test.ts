import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from '../../lib/log/checkpoint.ts';
import { toHex } from '../../lib/log/encoding.ts';
import { EMPTY_ROOT, leafHash, ZERO_HASH } from '../../lib/log/hash.ts';
import { formatNote, parseNote } from '../../lib/log/note.ts';
import { anyText } from './any-text.ts';
import { ed25519Key, noteBy, p256Key } from './keys.ts';
import { refusal } from './refusal.ts';

const published = JSON.parse(readFileSync(new URL('../vectors/note/published.json', import.meta.url), 'utf8'));
const formats = JSON.parse(readFileSync(new URL('../vectors/note/formats.json', import.meta.url), 'utf8'));
const ORIGIN = 'audit.example.com/orders';
const root = leafHash('root');
const text = formatCheckpoint({ origin: ORIGIN, size: 7, root });

describe("a checkpoint's text", () => {
  it('is origin, size and root, each on a line (C2SP tlog-checkpoint)', () => {
    expect(text).toBe(`audit.example.com/orders\n7\n${Buffer.from(root).toString('base64')}\n`);
    expect(formatCheckpoint({ origin: ORIGIN, size: 0, root: EMPTY_ROOT })).toBe(
      'audit.example.com/orders\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
    );
  });

  it('comes back, with its extension lines', () => {
    const line = anyText.map((any) => `x${any.replaceAll('\n', '')}`);
    const size = fc.oneof(fc.nat(1000), fc.nat(2 ** 53 - 1), fc.constant(2 ** 53 - 1));
    fc.assert(
      fc.property(line, size, fc.array(line, { maxLength: 3 }), (origin, size, extensions) => {
        const checkpoint = { origin, size, root: size === 0 ? EMPTY_ROOT : root };
        const all = extensions.length === 0 ? checkpoint : { ...checkpoint, extensions };
        const parsed = parseCheckpoint(formatCheckpoint(all));
        expect({ ...parsed, root: toHex(parsed.root) }).toEqual({ ...all, root: toHex(all.root) });
      }),
    );
  });

  it.each<{ note: string }>(
    published.cases.filter(({ vkey }: { vkey: string }) => /^(sum\.golang|rekor|pixel)/.test(vkey)),
  )("is read from others' logs: $note", ({ note }) => {
    const { text } = parseNote(note);
    expect(formatCheckpoint(parseCheckpoint(text))).toBe(text);
  });

  it.each<string>(formats.malformedCheckpoints)('is refused as others refuse it: %j', (malformed) => {
    expect(refusal(() => parseCheckpoint(malformed))?.code).toBe('malformed_checkpoint');
  });

  const encoded = Buffer.from(root).toString('base64');
  it.each([
    ['', 'a checkpoint ends with a newline'],
    [text.trimEnd(), 'a checkpoint ends with a newline'],
    ['\n', 'the lines of a checkpoint are not empty'],
    [`\n7\n${encoded}\n`, 'the lines of a checkpoint are not empty'],
    [`${text}\n`, 'the lines of a checkpoint are not empty'],
    [`${text}extension\n\n`, 'the lines of a checkpoint are not empty'],
    [`${ORIGIN}\n7\n`, 'the root of a checkpoint has 32 bytes'],
    [`${ORIGIN}\n7\nAAAA\n`, 'the root of a checkpoint has 32 bytes'],
    [`${ORIGIN}\n7\n${encoded} \n`, 'the root hash is not canonical base64'],
    [`${ORIGIN}\n7\n${encoded.replace('=', '')}\n`, 'the root hash is not canonical base64'],
    [`${ORIGIN}\n07\n${encoded}\n`, 'the size is not a decimal number from 0 to 2^53 - 1'],
    [`${ORIGIN}\n+7\n${encoded}\n`, 'the size is not a decimal number from 0 to 2^53 - 1'],
    [`${ORIGIN}\n\n${encoded}\n`, 'the size is not a decimal number from 0 to 2^53 - 1'],
    [`${ORIGIN}\n9007199254740992\n${encoded}\n`, 'the size is not a decimal number from 0 to 2^53 - 1'],
    [`${ORIGIN}\n0\n${encoded}\n`, 'an empty tree has another root'],
  ])('is refused when it is malformed: %j', (malformed, message) => {
    expect(refusal(() => parseCheckpoint(malformed))).toEqual({ code: 'malformed_checkpoint', message });
  });

  it('is not made of what could not be read again', () => {
    const code = 'malformed_checkpoint';
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(refusal(() => formatCheckpoint({ origin: ORIGIN, size, root }))).toEqual({
        code,
        message: `a checkpoint cannot have the size ${size}`,
      });
    }
    expect(refusal(() => formatCheckpoint({ origin: ORIGIN, size: 1, root: root.subarray(1) }))).toEqual({
      code,
      message: 'the root of a checkpoint has 32 bytes',
    });
    const message = 'the lines of a checkpoint are not empty';
    for (const origin of ['', 'a\nb']) {
      expect(refusal(() => formatCheckpoint({ origin, size: 1, root }))).toEqual({ code, message });
    }
    for (const extensions of [[''], ['a\n']]) {
      expect(refusal(() => formatCheckpoint({ origin: ORIGIN, size: 1, root, extensions }))).toEqual({ code, message });
    }
  });

  it('that is any text at all is refused with a code, or written the same again', () => {
    const piece = fc.oneof(anyText, fc.constantFrom('\n', ORIGIN, '7', '0', encoded, text));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const any = pieces.join('');
        const code = refusal(() => expect(formatCheckpoint(parseCheckpoint(any))).toBe(any))?.code;
        expect([undefined, 'malformed_checkpoint']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});

describe('opening a checkpoint', () => {
  const [key, next] = [ed25519Key(1), p256Key(2)];

  it('gives what the log signed', () => {
    const checkpoint = openCheckpoint(noteBy(key, ORIGIN, text), ORIGIN, [key.verifier(ORIGIN)]);
    expect({ ...checkpoint, root: toHex(checkpoint.root) }).toEqual({ origin: ORIGIN, size: 7, root: toHex(root) });
  });

  it('takes an old key, a new key, or both, while keys are rotated', () => {
    const note = formatNote(text, [key.sign(ORIGIN, text), next.sign(ORIGIN, text)]);
    for (const verifiers of [
      [key.verifier(ORIGIN)],
      [next.verifier(ORIGIN)],
      [key.verifier(ORIGIN), next.verifier(ORIGIN)],
    ]) {
      expect(openCheckpoint(note, ORIGIN, verifiers).size).toBe(7);
    }
  });

  it('fails for the checkpoint of another trail, whichever key it is shown with', () => {
    const elsewhere = 'audit.example.com/payments';
    const note = noteBy(key, elsewhere, formatCheckpoint({ origin: elsewhere, size: 7, root }));
    for (const verifiers of [
      [key.verifier(ORIGIN)],
      [key.verifier(elsewhere)],
      [key.verifier(ORIGIN), key.verifier(elsewhere)],
    ]) {
      expect(refusal(() => openCheckpoint(note, ORIGIN, verifiers))).toEqual({
        code: 'bad_signature',
        message: 'no signature is by a key that is trusted',
      });
    }
    // Signed under our name, but about another trail: someone signed what they should not have.
    const crossed = noteBy(key, ORIGIN, formatCheckpoint({ origin: elsewhere, size: 7, root }));
    expect(refusal(() => openCheckpoint(crossed, ORIGIN, [key.verifier(ORIGIN)]))).toEqual({
      code: 'bad_signature',
      message: 'the checkpoint is of audit.example.com/payments, not of audit.example.com/orders',
    });
  });

  it('needs the signature of the log: that of a witness is not enough', () => {
    const note = noteBy(next, 'witness.example', text);
    const verifiers = [key.verifier(ORIGIN), next.verifier('witness.example')];
    expect(refusal(() => openCheckpoint(note, ORIGIN, verifiers))?.code).toBe('bad_signature');
  });

  it('looks at the signature first, and then at the text', () => {
    const note = noteBy(key, ORIGIN, 'not a checkpoint\n');
    expect(refusal(() => openCheckpoint(note, ORIGIN, [next.verifier(ORIGIN)]))?.code).toBe('bad_signature');
    expect(refusal(() => openCheckpoint(note, ORIGIN, [key.verifier(ORIGIN)]))?.code).toBe('malformed_checkpoint');
    expect(refusal(() => openCheckpoint(text, ORIGIN, [key.verifier(ORIGIN)]))?.code).toBe('malformed_note');
  });

  it('fails for another size or root under the same signature', () => {
    const note = noteBy(key, ORIGIN, text);
    const fork = text.replace(Buffer.from(root).toString('base64'), Buffer.from(ZERO_HASH).toString('base64'));
    for (const forged of [note.replace('\n7\n', '\n8\n'), note.replace(text, fork)]) {
      expect(refusal(() => openCheckpoint(forged, ORIGIN, [key.verifier(ORIGIN)]))).toEqual({
        code: 'bad_signature',
        message: 'the signature by the key audit.example.com/orders does not hold',
      });
    }
  });
});
