import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointKey } from '../../lib/ledger/items/layout.ts';
import { formatCheckpoint, parseCheckpoint } from '../../lib/log/checkpoint.ts';
import { formatNote, parseNote, verifierFromSpki } from '../../lib/log/note.ts';
import { type Embedded, openEmbedded } from '../../lib/server/embedded.ts';
import { beginRotation, completeRotation } from '../../lib/server/key-rotation.ts';
import { FolderObjects } from '../../lib/store/folder/objects.ts';
import { KeyFileSigner } from '../../lib/store/keyfile/signer.ts';
import { SqliteTable } from '../../lib/store/sqlite/table.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { beginningsOf } from './beginnings.ts';

/** One key signs, then two, then the other alone; and a verifier is told from which size to which to trust each. */

const TRAIL = 'orders';
const ORIGIN = `audit.example.com/${TRAIL}`;
let made = 0;

async function withLog<T>(dir: string, run: (log: Embedded) => Promise<T>): Promise<T> {
  const log = await openEmbedded(dir, { logName: 'audit.example.com' });
  try {
    return await run(log);
  } finally {
    await log.close();
  }
}

/** Appends so many records one by one and seals. @returns the key IDs under the newest checkpoint */
async function grow(dir: string, count: number): Promise<number[]> {
  return withLog(dir, async (log) => {
    for (let n = 0; n < count; n++) {
      const id = `e-${made++}`;
      const event = { id, json: `{"id":"${id}","severity":"info","type":"auth.login"}` };
      await log.ledger.append({ trail: TRAIL, submitter: 'test', events: [event] });
    }
    const sealed = await log.archiver.seal(TRAIL);
    expect((await log.verifier.verify(TRAIL, 'full')).problems).toEqual([]);
    await beginningsOf(log, TRAIL);
    await log.archiver.seal('_system');
    return parseNote(sealed?.note ?? '').signatures.map(({ keyId }) => keyId);
  });
}

async function verify(dir: string, lines: readonly string[]) {
  const objects = await FolderObjects.open(join(dir, 'archive'));
  try {
    return await verifyArchive(objects, { trust: parseTrustedKeys(lines.join('\n')), trails: [TRAIL] });
  } finally {
    await objects.close();
  }
}

const keyIdIn = (line = ''): string => line.split('+')[1] ?? '';
const idOf = (keyId = 0): string => keyId.toString(16).padStart(8, '0');
const ofTrail = (trust: readonly string[]): string[] => trust.filter((line) => line.startsWith(`${ORIGIN}+`));

/** 3 records under the old key, 2 under both, 2 under the new one; a copy of the old key is kept, as a thief has. */
async function rotated() {
  const dir = join(await temporaryFolder(), 'data');
  const [old] = await grow(dir, 3);
  const stolen = await KeyFileSigner.open(await copyOf(join(dir, 'signing-key.pem')));
  const begun = ofTrail((await beginRotation(dir)).trust);
  const both = await grow(dir, 2);
  const ended = ofTrail((await completeRotation(dir)).trust);
  const alone = await grow(dir, 2);
  return { dir, old, both, alone, stolen, trust: [...ended, ...begun] };
}

async function copyOf(file: string): Promise<string> {
  const copy = join(await temporaryFolder(), 'stolen.pem');
  await writeFile(copy, await readFile(file), { mode: 0o600 });
  return copy;
}

/** The checkpoint of a size, signed by another key alone. */
async function signedBy(signer: KeyFileSigner, note: string): Promise<string> {
  const text = formatCheckpoint(parseCheckpoint(parseNote(note).text));
  const { keyId } = verifierFromSpki(ORIGIN, await signer.publicKey());
  return formatNote(text, [{ name: ORIGIN, keyId, signature: await signer.sign(Buffer.from(text)) }]);
}

describe('a rotation of keys', () => {
  it('has one key sign, then both, then the other alone, and the archive hold both', async () => {
    const { dir, old, both, alone, trust } = await rotated();
    expect(both).toEqual([old, alone[0]]);
    expect(alone).toHaveLength(1);
    expect(alone[0]).not.toBe(old);
    expect(trust).toEqual([
      expect.stringMatching(/^audit\.example\.com\/orders\+[0-9a-f]{8}\+\S+ to=5$/),
      expect.stringMatching(/^audit\.example\.com\/orders\+[0-9a-f]{8}\+\S+ from=4$/),
    ]);
    expect(trust.map(keyIdIn)).toEqual([idOf(old), idOf(alone[0])]);
    for (const id of [old, alone[0]].map(idOf)) {
      expect(existsSync(join(dir, 'archive/keys', `${id}.vkey`))).toBe(true);
      expect(existsSync(join(dir, 'archive/keys', `${id}.pem`))).toBe(true);
    }
    expect(existsSync(join(dir, 'signing-key-next.pem'))).toBe(false);
  });

  it('lets a verifier who was told of both keys say ok, and one who was told of one key not', async () => {
    const { dir, trust } = await rotated();
    expect(await verify(dir, trust)).toMatchObject({ verdict: 'ok', problems: [] });
    for (const line of trust) {
      const { verdict, problems } = await verify(dir, [line]);
      expect(verdict).not.toBe('ok');
      expect(problems.map(({ kind }) => kind)).toContain('unknown_key');
    }
  });

  it('does not help who has stolen the older key: what it signs after its end is found in archive and ledger', async () => {
    const { dir, trust, stolen } = await rotated();
    const size = 7;
    const table = await SqliteTable.open(join(dir, 'sealtrail.db'));
    const item = await table.get(checkpointKey(TRAIL, size));
    const note = await signedBy(stolen, String(item?.attributes.note));
    await table.transact([{ put: { ...checkpointKey(TRAIL, size), attributes: { note } } }]);
    await table.close();
    const objects = await FolderObjects.open(join(dir, 'archive'));
    await objects.replace(`${TRAIL}/checkpoints/${size}`, Buffer.from(note));
    await objects.replace(`${TRAIL}/checkpoint`, Buffer.from(note));
    await objects.close();

    const report = await verify(dir, trust);
    expect(report.verdict).toBe('damaged');
    const retired = report.problems.filter(({ kind }) => kind === 'retired_key');
    expect(retired.map(({ object }) => object)).toContain(`${TRAIL}/checkpoints/${size}`);
    const own = await withLog(dir, (log) => log.verifier.verify(TRAIL, 'full'));
    expect(own).toMatchObject({ verdict: 'damaged' });
    expect(own.problems).toContainEqual({
      kind: 'retired_key',
      seq: size,
      message: 'a key that was to sign up to size 5 signed a checkpoint of size 7',
    });
  });

  it('is made good after a crash between its last two steps', async () => {
    const { dir, alone } = await rotated();
    // Once more, and then as it was before the last step.
    await beginRotation(dir);
    const both = await grow(dir, 1);
    const aside = await copyOf(join(dir, 'signing-key.pem'));
    await completeRotation(dir);
    await rename(join(dir, 'signing-key.pem'), join(dir, 'signing-key-next.pem'));
    await writeFile(join(dir, 'signing-key.pem'), await readFile(aside), { mode: 0o600 });
    expect(await grow(dir, 1)).toEqual([both[1]]);
    expect(both[0]).toBe(alone[0]);
  });

  it('refuses what cannot be done', async () => {
    const dir = join(await temporaryFolder(), 'data');
    await expect(beginRotation(dir)).rejects.toMatchObject({
      code: 'not_found',
      message: `${dir} is no data folder: it has no sealtrail.db`,
    });
    await grow(dir, 1);
    await expect(completeRotation(dir)).rejects.toMatchObject({
      code: 'usage',
      message: 'one key signs alone: there is none to retire',
    });
    await withLog(dir, () =>
      expect(beginRotation(dir)).rejects.toMatchObject({
        code: 'in_use',
        message: expect.stringContaining('sealtrail.db'),
      }),
    );
    await beginRotation(dir);
    await expect(beginRotation(dir)).rejects.toMatchObject({
      code: 'in_use',
      message: 'two keys sign already: retire the older one first',
    });
  });

  it('waits for the archive to hold the older key', async () => {
    const dir = join(await temporaryFolder(), 'data');
    await withLog(dir, async (log) => {
      const event = { id: 'e', json: '{"id":"e","severity":"info","type":"auth.login"}' };
      for (const trail of ['young', 'younger']) {
        await log.ledger.append({ trail, submitter: 'test', events: [event] });
      }
    });
    await beginRotation(dir);
    await expect(completeRotation(dir)).rejects.toMatchObject({
      code: 'usage',
      message:
        'the archive does not hold the older key yet of: young, younger. Start the log, `sealtrail seal` each, and stop it again',
    });
  });

  it('is not begun or completed on a database that is older than the archive: how far a key has signed is not known', async () => {
    const dir = await temporaryFolder();
    await grow(dir, 2);
    await rm(join(dir, 'sealtrail.db'));
    await withLog(dir, async () => undefined);
    for (const step of [beginRotation, completeRotation]) {
      await expect(step(dir)).rejects.toMatchObject({ code: 'history_conflict' });
    }
  });

  it('does not start with a key that was retired', async () => {
    const { dir, stolen } = await rotated();
    const next = join(dir, 'signing-key.pem');
    const before = await readFile(join(dir, 'retired-keys.json'), 'utf8');
    expect(before).toContain(Buffer.from(await stolen.publicKey()).toString('base64'));
    const current = await KeyFileSigner.open(next);
    const spki = Buffer.from(await current.publicKey()).toString('base64');
    await writeFile(join(dir, 'retired-keys.json'), JSON.stringify({ keys: [{ spki, ends: {} }] }));
    await expect(openEmbedded(dir)).rejects.toMatchObject({
      code: 'not_found',
      message: `${next} holds a key that was retired: restore the one that followed it`,
    });
  });
});
