import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../lib/log/checkpoint.ts';
import { cosignatureMessage, cosignaturesOf, parseCosigner } from '../../lib/log/cosignature.ts';
import { toUtf8 } from '../../lib/log/encoding.ts';
import { openNote, parseNote, parseVkey } from '../../lib/log/note.ts';
import { cosignerKey } from './cosigner-key.ts';
import { refusal } from './refusal.ts';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/witness/${name}`, import.meta.url), 'utf8'));
const published = read('published.json');
const litewitness = read('litewitness.json');

const TEXT = 'log.example/_heads\n3\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n';
const NOTE = `${TEXT}\n`;
const ALGORITHMS = ['ed25519', 'ml-dsa-44'] as const;

describe('cosignatures of others', () => {
  it.each<{ witness: string; log: string; note: string; lines: string; time: number }>(published.cosignatures)(
    'hold, with their time: $source',
    ({ witness, log, note, lines, time }) => {
      const cosigner = parseCosigner(witness);
      const { text, signatures } = parseNote(note + lines);
      expect(cosignaturesOf(text, signatures, [cosigner])).toEqual([{ cosigner, time }]);
      // The log's own signature stands beside it, and is another kind.
      expect(openNote(note + lines, [parseVkey(log)]).verified).toHaveLength(1);
    },
  );

  it.each<{ vkey: string }>(published.vkeys)('have keys of type 4: $vkey', ({ vkey }) => {
    expect(parseCosigner(vkey)).toMatchObject({ vkey, algorithm: 'ed25519' });
    expect(refusal(() => parseVkey(vkey))?.code).toBe('malformed_key');
  });

  it('hold with an ML-DSA-44 key that signs as a log', () => {
    const run = litewitness.runs.find(({ file }: { file: string }) => file === 'mldsa.txt');
    const cosigner = parseCosigner(run.logs[0].vkey);
    expect(cosigner.algorithm).toBe('ml-dsa-44');
    const { text, signatures } = parseNote(run.steps[0].body.split('\n\n').slice(1).join('\n\n'));
    expect(cosignaturesOf(text, signatures, [cosigner])).toEqual([{ cosigner, time: 0 }]);
    expect(parseCheckpoint(text).origin).toBe(cosigner.name);
  });
});

describe.each(ALGORITHMS)('a cosignature by %s', (algorithm) => {
  const key = cosignerKey('witness.example/w1', 7, algorithm);
  const line = key.line(TEXT, 1_796_000_000);

  it('goes there and back', () => {
    expect(parseCosigner(key.cosigner.vkey).vkey).toBe(key.cosigner.vkey);
    const { text, signatures } = parseNote(NOTE + line);
    expect(cosignaturesOf(text, signatures, [key.cosigner])).toEqual([{ cosigner: key.cosigner, time: 1_796_000_000 }]);
  });

  it('covers every byte of time, size and root', () => {
    const { signatures } = parseNote(NOTE + line);
    const signature = signatures[0]?.signature ?? new Uint8Array();
    for (let at = 0; at < 8; at++) {
      const other = Uint8Array.from(signature);
      other[at] = (other[at] ?? 0) ^ 1;
      expect(key.cosigner.timeOf(TEXT, other)).toBeUndefined();
    }
    expect(key.cosigner.timeOf(TEXT.replace('\n3\n', '\n4\n'), signature)).toBeUndefined();
    expect(key.cosigner.timeOf(TEXT.replace('f+7', 'f+8'), signature)).toBeUndefined();
    expect(key.cosigner.timeOf(TEXT, signature.slice(1))).toBeUndefined();
    expect(key.cosigner.timeOf('not a checkpoint', signature)).toBeUndefined();
  });

  it('under a known name must hold, and stands there once', () => {
    const other = cosignerKey('witness.example/w1', 8, algorithm);
    const forged = NOTE + line.replace(/.{9}\n$/, 'AAAAAAAA=\n').replace('A=\n', 'AA\n');
    const open = (note: string, cosigners = [key.cosigner]) => {
      const { text, signatures } = parseNote(note);
      return cosignaturesOf(text, signatures, cosigners);
    };
    expect(open(NOTE + line, [other.cosigner])).toEqual([]);
    expect(refusal(() => open(forged))?.code).toBe('bad_signature');
    expect(refusal(() => open(NOTE + line + line))).toMatchObject({ code: 'bad_signature' });
  });

  it('is by one key under one name', () => {
    const { vkey } = key.cosigner;
    for (const odd of [vkey.replace('w1', 'w2'), vkey.replace(/\+.{8}\+/, '+00000000+'), vkey.slice(0, -4), 'x']) {
      expect(refusal(() => parseCosigner(odd))?.code).toBe('malformed_key');
    }
  });
});

describe('the message that is signed', () => {
  it('of Ed25519 is the text after two lines', () => {
    const message = cosignatureMessage({ name: 'w', algorithm: 'ed25519' }, TEXT, 5);
    expect(Buffer.from(message).toString()).toBe(`cosignature/v1\ntime 5\n${TEXT}`);
  });

  it('of ML-DSA-44 names the cosigner, and no extension lines', () => {
    const cosigner = { name: 'w.example', algorithm: 'ml-dsa-44' } as const;
    const message = Buffer.from(cosignatureMessage(cosigner, TEXT, 5));
    const { root } = parseCheckpoint(TEXT);
    const fields = ['subtree/v1\n\0', '\x09w.example', '\0\0\0\0\0\0\0\x05', '\x12log.example/_heads'];
    const span = `${'\0'.repeat(8)}${'\0'.repeat(7)}\x03`;
    expect(message).toEqual(Buffer.concat([toUtf8(fields.join('') + span), root]));
    expect(refusal(() => cosignatureMessage(cosigner, `${TEXT}more\n`, 5))?.code).toBe('malformed_checkpoint');
    const long = cosignatureMessage.bind(undefined, { ...cosigner, name: 'w'.repeat(256) }, TEXT, 5);
    expect(refusal(long)?.code).toBe('malformed_checkpoint');
  });
});
