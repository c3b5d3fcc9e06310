import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { wireLog } from '../../../lib/app/log.ts';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { cosignaturesOf, cosignerFromSpki } from '../../../lib/log/cosignature.ts';
import { parseNote } from '../../../lib/log/note.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { parseMlDsaKeys, parseTrustedKeys, type VerifyOptions, verifyArchive } from '../../../lib/verify/index.ts';

/** The promise: what is archived has a line by the ML-DSA-44 key, and who is given that key sees what has none. */

function mlDsaKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ml-dsa-44');
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const key = {
    publicKey: async () => spki,
    sign: async (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
  };
  return { key, spki, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

async function setUp() {
  const second = mlDsaKey();
  const signer = new MemorySigner();
  const [table, objects] = [new MemoryTable(), new MemoryObjects()];
  const { ledger } = wireLog({ table, objects, signers: [signer] }, { logName: 'a.example' });
  const archiver = (mlDsa: typeof second.key | undefined) =>
    new Archiver({ table, objects, ledger, ...(mlDsa && { mlDsa }) });
  const trust = parseTrustedKeys(`spki:${Buffer.from(await signer.publicKey()).toString('base64')}\n`);
  const append = async (count: number) => {
    const events = Array.from({ length: count }, (_, n) => ({ id: `e-${n}`, json: `{"id":"e-${n}","type":"a.b"}` }));
    await ledger.append({ trail: 'orders', submitter: 'shop', events });
  };
  const judge = async (more: Partial<VerifyOptions> = {}) => {
    const report = await verifyArchive(objects, { trust, ...more });
    return { report, problems: report.problems.map(({ kind, seq, object }) => [kind, seq ?? object]) };
  };
  const textAt = async (name: string) => Buffer.from((await objects.get(name)) ?? []).toString();
  return { ...{ second, objects, archiver, append, judge, textAt } };
}

describe('with an ML-DSA-44 key', () => {
  it('checkpoints are archived and sealed with its line, and the key lies beside the others', async () => {
    const { second, archiver, append, judge, textAt } = await setUp();
    await append(3);
    await archiver(second.key).seal('orders');
    const note = await textAt('orders/checkpoints/3');
    expect(await textAt('orders/checkpoint')).toBe(note);
    const cosigner = cosignerFromSpki('a.example/orders', second.spki);
    const { text, signatures } = parseNote(note);
    expect(cosignaturesOf(text, signatures, [cosigner])).toMatchObject([{ time: 0 }]);
    const id = cosigner.keyId.toString(16).padStart(8, '0');
    expect(await textAt(`keys/${id}.vkey`)).toBe(`${cosigner.vkey}\n`);
    expect(await textAt(`keys/${id}.pem`)).toBe(second.pem);
    for (const keys of [undefined, parseMlDsaKeys(second.pem), parseMlDsaKeys(`${cosigner.vkey}\n`)]) {
      const { report, problems } = await judge(keys && { mlDsaKeys: keys });
      expect(problems).toEqual([]);
      expect(report.trails[0]?.mlDsa).toBe(keys && 3);
    }
  });

  it('an archive goes on where it had none, or has none any more, and is named where no line covers it', async () => {
    const { second, archiver, append, judge } = await setUp();
    const mlDsaKeys = parseMlDsaKeys(second.pem);
    await append(3);
    await archiver(undefined).seal('orders');
    expect((await judge({ mlDsaKeys })).problems).toEqual([['no_ml_dsa_line', 0]]);
    await append(2);
    await archiver(second.key).seal('orders');
    expect((await judge({ mlDsaKeys })).problems).toEqual([]);
    await append(2);
    await archiver(undefined).seal('orders');
    const { problems, report } = await judge({ mlDsaKeys });
    expect([problems, report.trails[0]?.mlDsa]).toEqual([[['no_ml_dsa_line', 5]], 5]);
    expect((await judge()).problems).toEqual([]);
  });

  it('a seal is the archived checkpoint, whichever process archived it', async () => {
    const { second, archiver, append, judge, textAt } = await setUp();
    await append(3);
    await archiver(second.key).run('orders', { force: true });
    await append(1);
    await archiver(second.key).run('orders', { force: true });
    await archiver(undefined).seal('orders');
    expect(await textAt('orders/checkpoint')).toBe(await textAt('orders/checkpoints/4'));
    expect((await judge({ mlDsaKeys: parseMlDsaKeys(second.pem) })).problems).toEqual([]);
  });

  it('another key’s line, or a changed one, does not count', async () => {
    const { second, archiver, append, judge, objects, textAt } = await setUp();
    await append(3);
    await archiver(second.key).seal('orders');
    expect((await judge({ mlDsaKeys: parseMlDsaKeys(mlDsaKey().pem) })).problems).toEqual([['no_ml_dsa_line', 0]]);
    const note = await textAt('orders/checkpoints/3');
    const changed = `${note.slice(0, -200)}${note.at(-200) === 'A' ? 'B' : 'A'}${note.slice(-199)}`;
    for (const name of ['orders/checkpoints/3', 'orders/checkpoint']) objects.tamper(name, Buffer.from(changed));
    expect((await judge({ mlDsaKeys: parseMlDsaKeys(second.pem) })).problems).toEqual([
      ['no_ml_dsa_line', 0],
      ['bad_signature', 'orders/checkpoints/3'],
    ]);
  });
});

it('keys are vkeys of type 6 or PEM', () => {
  for (const text of ['', 'x', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n']) {
    expect(() => parseMlDsaKeys(text)).toThrow(expect.objectContaining({ code: 'malformed_key' }));
  }
});
