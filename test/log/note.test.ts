import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../lib/log/encoding.ts';
import { formatNote, type NoteSignature, openNote, parseNote } from '../../lib/log/note.ts';
import { anyText } from './any-text.ts';
import { ed25519Key, noteBy, p256Key } from './keys.ts';
import { refusal } from './refusal.ts';

const NAME = 'log.example/orders';
const TEXT = 'log.example/orders\n7\nroot\n';
const key = ed25519Key(1);
const verifier = key.verifier(NAME);
const note = noteBy(key, NAME, TEXT);
const plain = ({ name, keyId, signature }: NoteSignature) => [name, keyId, toHex(signature)];

describe('a note', () => {
  it('comes apart as it was put together', () => {
    const name = anyText.map((text) => `n${text.replace(/[\p{White_Space}+\p{Cc}]/gu, '')}`);
    const signature = fc.record({
      name,
      keyId: fc.nat(2 ** 32 - 1),
      signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a note must not have
    const text = anyText.map((any) => `${any.replace(/[\x00-\x09\x0b-\x1f]/g, '')}\n`);
    fc.assert(
      fc.property(text, fc.array(signature, { minLength: 1, maxLength: 20 }), (text, signatures) => {
        const parsed = parseNote(formatNote(text, signatures));
        expect(parsed.text).toBe(text);
        expect(parsed.signatures.map(plain)).toEqual(signatures.map(plain));
      }),
      { numRuns: 300 },
    );
  });

  it('is its text, an empty line, and a line for each signature', () => {
    const line = `— ${NAME} ${Buffer.concat([Buffer.from('01020304', 'hex'), Buffer.from('sig')]).toString('base64')}\n`;
    const signature = { name: NAME, keyId: 0x01020304, signature: Buffer.from('sig') };
    expect(formatNote('a\n\nb\n', [signature, signature])).toBe(`a\n\nb\n\n${line}${line}`);
  });

  it('has its text before the last empty line', () => {
    expect(parseNote(noteBy(key, NAME, 'a\n\n— not a signature\n\n\nb\n')).text).toBe(
      'a\n\n— not a signature\n\n\nb\n',
    );
    expect(parseNote(noteBy(key, NAME, '\n')).text).toBe('\n');
  });

  it('has 1 to 100 signatures: 16 must be accepted (C2SP signed-note)', () => {
    const many = (count: number): string => `${TEXT}\n${note.slice(TEXT.length + 1).repeat(count)}`;
    for (const count of [1, 16, 17, 100]) expect(parseNote(many(count)).signatures).toHaveLength(count);
    for (const count of [101, 5000]) {
      expect(refusal(() => parseNote(many(count)))).toEqual({
        code: 'malformed_note',
        message: 'a note has at most 100 signatures',
      });
    }
    const one = key.sign(NAME, TEXT);
    expect(parseNote(formatNote(TEXT, new Array<NoteSignature>(100).fill(one))).signatures).toHaveLength(100);
    for (const count of [0, 101]) {
      expect(refusal(() => formatNote(TEXT, new Array<NoteSignature>(count).fill(one)))).toEqual({
        code: 'malformed_note',
        message: 'a note has 1 to 100 signatures',
      });
    }
  });

  it('has a length', () => {
    const room = 1_000_000 - noteBy(key, NAME, '\n').length;
    expect(parseNote(noteBy(key, NAME, `${'x'.repeat(room)}\n`)).text).toHaveLength(room + 1);
    const long = `${'x'.repeat(room + 1)}\n`;
    expect(refusal(() => parseNote(noteBy(key, NAME, long)))).toEqual({
      code: 'malformed_note',
      message: 'a note has at most 1000000 characters',
    });
  });

  const line = note.slice(TEXT.length + 1);
  const base64 = line.split(' ')[2]?.trim() ?? '';
  it.each([
    ['', 'a note has an empty line before its signatures'],
    [TEXT, 'a note has an empty line before its signatures'],
    [`${TEXT}${line}`, 'a note has an empty line before its signatures'],
    [`\n${line}`, 'a note has an empty line before its signatures'],
    [`${TEXT}\n`, 'a note ends with a newline'],
    [`${TEXT}\n${line.trimEnd()}`, 'a note ends with a newline'],
    [`${TEXT}\n${line}more\n`, 'a signature line has the form — <name> <base64>'],
    [`${TEXT}\n${line.replace('—', '-')}`, 'a signature line has the form — <name> <base64>'],
    [`${TEXT}\n${line.replace('— ', '—  ')}`, 'a signature line has the form — <name> <base64>'],
    [`${TEXT}\n${line.replace('\n', ' \n')}`, 'a signature line has the form — <name> <base64>'],
    [`${TEXT}\n— Bad Name ${base64}\n`, 'a signature line has the form — <name> <base64>'],
    [`${TEXT}\n— ${base64}\n`, 'a signature line has the form — <name> <base64>'],
    [
      `${TEXT}\n${line.replace(NAME, 'a+b')}`,
      'the name of a key is not empty and has no spaces, plus or control characters',
    ],
    [
      `${TEXT}\n${line.replace(NAME, 'a\u00a0b')}`,
      'the name of a key is not empty and has no spaces, plus or control characters',
    ],
    [`${TEXT}\n— ${NAME} AAAA\n`, 'a signature has a key ID of 4 bytes and at least one byte more'],
    [`${TEXT}\n— ${NAME} AAAAAA==\n`, 'a signature has a key ID of 4 bytes and at least one byte more'],
    [`${TEXT}\n— ${NAME} ${base64.replaceAll('=', '')}\n`, 'a signature is not canonical base64'],
    [`${TEXT}\n— ${NAME} ${base64}=\n`, 'a signature is not canonical base64'],
    [note.replace('root', 'ro\tot'), 'the text of a note ends with a newline and has no control characters'],
    [note.replace('root\n', 'root\r\n'), 'the text of a note ends with a newline and has no control characters'],
    [note.replace('root', '\u0000'), 'the text of a note ends with a newline and has no control characters'],
    [note.replace('root', '\ud800'), 'the text of a note ends with a newline and has no control characters'],
  ])('is refused when it is malformed: %j', (text, message) => {
    expect(refusal(() => parseNote(text))).toEqual({ code: 'malformed_note', message });
  });

  it('is not made of what could not be read again', () => {
    const signature = key.sign(NAME, TEXT);
    expect(refusal(() => formatNote('no newline', [signature]))?.code).toBe('malformed_note');
    expect(refusal(() => formatNote('tab\t\n', [signature]))?.code).toBe('malformed_note');
    expect(refusal(() => formatNote(TEXT, [{ ...signature, name: 'a b' }]))?.code).toBe('malformed_note');
    expect(refusal(() => formatNote(TEXT, [{ ...signature, signature: new Uint8Array() }]))).toEqual({
      code: 'malformed_note',
      message: 'a signature has at least one byte',
    });
  });
});

describe('opening a note', () => {
  const other = ed25519Key(2);
  const third = p256Key(3);
  const both = formatNote(TEXT, [key.sign(NAME, TEXT), other.sign(NAME, TEXT), third.sign('witness.example', TEXT)]);

  it('gives the text, what is verified and what is unknown, in order', () => {
    const opened = openNote(both, [third.verifier('witness.example'), verifier]);
    expect(opened.text).toBe(TEXT);
    expect(opened.verified.map(plain)).toEqual([
      plain(key.sign(NAME, TEXT)),
      plain(parseNote(both).signatures[2] as NoteSignature), // ECDSA signs differently each time
    ]);
    expect(opened.unknown.map(plain)).toEqual([plain(other.sign(NAME, TEXT))]);
  });

  it('takes any of several keys: that is how keys are rotated', () => {
    for (const verifiers of [[verifier], [other.verifier(NAME)], [verifier, other.verifier(NAME)]]) {
      expect(openNote(both, verifiers).verified).toHaveLength(verifiers.length);
    }
  });

  it.each([
    ['no key at all', []],
    ['another key', [ed25519Key(9).verifier(NAME)]],
    ['the key under another name', [key.verifier('log.example/payments')]],
    ['a key of the other algorithm', [p256Key(1).verifier(NAME)]],
  ])('fails with %s', (_, verifiers) => {
    expect(refusal(() => openNote(note, verifiers))).toEqual({
      code: 'bad_signature',
      message: 'no signature is by a key that is trusted',
    });
  });

  it('fails when the signature of a known key does not hold, whatever the others say', () => {
    const forged = { ...other.sign(NAME, TEXT), signature: other.sign(NAME, 'another text\n').signature };
    const half = formatNote(TEXT, [key.sign(NAME, TEXT), forged]);
    expect(refusal(() => openNote(half, [verifier, other.verifier(NAME)]))).toEqual({
      code: 'bad_signature',
      message: 'the signature by the key log.example/orders does not hold',
    });
    // Unknown keys are ignored (C2SP signed-note, "Signatures"), and so is what they sign.
    expect(openNote(half, [verifier]).verified).toHaveLength(1);
  });

  it('ignores a signature that has the name or the ID of a known key, but not both', () => {
    const nonsense = Buffer.alloc(64);
    const lookalikes = [
      { name: NAME, keyId: (verifier.keyId + 1) % 2 ** 32, signature: nonsense },
      { name: 'log.example/payments', keyId: verifier.keyId, signature: nonsense },
    ];
    const mixed = formatNote(TEXT, [...lookalikes, key.sign(NAME, TEXT)]);
    expect(openNote(mixed, [verifier]).unknown).toHaveLength(2);
    const alone = formatNote(TEXT, lookalikes);
    expect(refusal(() => openNote(alone, [verifier]))?.code).toBe('bad_signature');
    const both = formatNote(TEXT, [{ name: NAME, keyId: verifier.keyId, signature: nonsense }]);
    expect(refusal(() => openNote(both, [verifier]))?.message).toBe(
      'the signature by the key log.example/orders does not hold',
    );
  });

  it('fails on two signatures by one known key, and lets those of unknown keys be', () => {
    const twice = formatNote(TEXT, [key.sign(NAME, TEXT), key.sign(NAME, TEXT), other.sign(NAME, TEXT)]);
    expect(refusal(() => openNote(twice, [verifier]))).toEqual({
      code: 'malformed_note',
      message: 'the note has two signatures by the key log.example/orders',
    });
    expect(openNote(twice, [other.verifier(NAME)]).unknown).toHaveLength(2);
  });

  it('does not take a signature made with the other algorithm, nor one over the text without its last newline', () => {
    const ecdsa = p256Key(1);
    const swapped = { name: NAME, keyId: verifier.keyId, signature: ecdsa.sign(NAME, TEXT).signature };
    expect(refusal(() => openNote(formatNote(TEXT, [swapped]), [verifier]))?.code).toBe('bad_signature');
    const { name, keyId } = ecdsa.verifier(NAME);
    const reverse = { name, keyId, signature: key.sign(NAME, TEXT).signature };
    expect(refusal(() => openNote(formatNote(TEXT, [reverse]), [ecdsa.verifier(NAME)]))?.code).toBe('bad_signature');
    const short = { name: NAME, keyId: verifier.keyId, signature: key.sign(NAME, TEXT.trimEnd()).signature };
    expect(refusal(() => openNote(formatNote(TEXT, [short]), [verifier]))?.code).toBe('bad_signature');
  });

  it.each([
    ['Ed25519', note, verifier],
    ['P-256', noteBy(p256Key(7), NAME, TEXT), p256Key(7).verifier(NAME)],
  ])('fails after any edit of one character: %s', (_, original, by) => {
    const characters = fc.constantFrom('', '\n', ' ', 'A', 'B', '0', '=', '+', '/', '—', '\u0000', 'é', '\ud800');
    fc.assert(
      fc.property(fc.nat(original.length), fc.nat(1), characters, (at, cut, put) => {
        const edited = original.slice(0, at) + put + original.slice(at + cut);
        if (edited === original) return;
        expect(['malformed_note', 'bad_signature']).toContain(refusal(() => openNote(edited, [by]))?.code);
      }),
      { numRuns: 1000 },
    );
  });

  it('fails on any text, with a code', () => {
    const piece = fc.oneof(anyText, fc.constantFrom('\n\n', '\n', '— ', NAME, ' ', line(note), TEXT));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const text = pieces.join('');
        const code = refusal(() => expect(openNote(text, [verifier]).text).toBe(TEXT))?.code;
        expect([undefined, 'malformed_note', 'bad_signature']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});

function line(text: string): string {
  return text.slice(text.lastIndexOf('\n\n') + 2);
}
