import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { exitCodeOf, parseTrustedKeys, type Report, verifyArchive } from '../../../lib/verify/index.ts';
import { type Archive, buildTrail, copyOf, KEY, keyIdOf, LOG, objectsOf, p256Key, vkeyOf } from '../archive-builder.ts';

/**
 * Each trail is proven by itself, so a trail that was removed as a whole leaves nothing that is wrong. What still names it must
 * say so: the auditor's own keys, the keys of the archive, and `_system`, which records every trail that begins.
 */

const began = (trail: string): string =>
  `{"actor":{"id":"sealtrail","type":"system"},"description":"the trail has its first record","id":"b-${trail}","resource":{"id":"${trail}","type":"trail"},"severity":"info","type":"trail.began"}`;
const system = (trails: readonly string[], from = 'sealtrail'): Archive =>
  buildTrail({
    trail: '_system',
    runs: [trails.length],
    seals: [trails.length],
    event: (seq) => began(trails[seq] ?? ''),
    rewrite: (line) => line.replace('"submitter":"app"', `"submitter":"${from}"`),
  }).archive;
const orders = buildTrail({ runs: [10], seals: [10] }).archive;
const payments = buildTrail({ trail: 'payments', runs: [5], seals: [5] }).archive;
const whole: Archive = new Map([...orders, ...payments, ...system(['orders', 'payments'])]);

const pem = parseTrustedKeys(KEY.pem);
const vkeys = parseTrustedKeys(`${vkeyOf(`${LOG}/orders`, KEY)}\n${vkeyOf(`${LOG}/payments`, KEY)}\n`);
const scoped = parseTrustedKeys(`trail=payments\n${KEY.pem}trail=orders\n${KEY.pem}`);

/** A copy without the objects whose names match. */
const without = (archive: Archive, ...names: readonly RegExp[]): Archive =>
  new Map([...copyOf(archive)].filter(([name]) => !names.some((one) => one.test(name))));
const keyOf = (trail: string): RegExp => new RegExp(`^keys/${keyIdOf(`${LOG}/${trail}`, KEY)}`);
const verify = async (archive: Archive, trust = pem): Promise<Report> =>
  verifyArchive(await objectsOf(archive), { trust });

const PAYMENTS = /^payments\//;
const SYSTEM = /^_system\//;

it('is asked of no text that cannot name a trail: the ID of a P-256 key vouches for the key alone, not for its name', async () => {
  const key = p256Key(3);
  const { archive } = buildTrail({ runs: [3], seals: [3], keys: [key] });
  const object = [...archive.keys()].find((name) => name.endsWith('.vkey')) ?? '';
  const vkey = archive.get(object)?.toString('latin1') ?? '';
  for (const name of ['o\x7frders', 'Orders', '..']) {
    const edited = new Map([...archive, [object, Buffer.from(vkey.replace('/orders+', `/${name}+`), 'latin1')]]);
    const { verdict, problems } = await verify(edited, parseTrustedKeys(key.pem));
    expect({ verdict, problems }).toMatchObject({ verdict: 'damaged', problems: [{ kind: 'malformed_key', object }] });
  }
  const trust = parseTrustedKeys(`${vkeyOf(`${LOG}/o\x7frders`, key)}\n${key.pem}`);
  expect((await verify(archive, trust)).problems).toMatchObject([{ kind: 'missing_trail' }]);
});

describe('a trail that was removed as a whole is missed', () => {
  test.each([
    [
      'a trusted vkey names it',
      without(whole, PAYMENTS, keyOf('payments'), SYSTEM, keyOf('_system')),
      vkeys,
      'trusted_key',
    ],
    ['trail= names it', without(whole, PAYMENTS, keyOf('payments'), SYSTEM, keyOf('_system')), scoped, 'trusted_key'],
    ['its key is still there', without(whole, PAYMENTS, SYSTEM, keyOf('_system')), pem, 'archived_key'],
    ['_system records that it began', without(whole, PAYMENTS, keyOf('payments')), pem, 'system_record'],
  ])('where %s', async (_, archive, trust, evidence) => {
    const report = await verify(archive, trust);
    expect(report.problems).toMatchObject([{ kind: 'missing_trail', trail: 'payments', object: 'payments/' }]);
    expect(report.expectedTrails).toContainEqual({ trail: 'payments', evidence: [evidence], isThere: false });
    expect(report.verdict).toBe('incomplete');
    expect(exitCodeOf(report)).toBe(1);
  });

  test('with all that names it, and says what that is', async () => {
    const { problems, expectedTrails } = await verify(without(whole, PAYMENTS), vkeys);
    expect(problems.map(({ message }) => message)).toContain(
      'the archive holds nothing of this trail, but a trusted key is for it, a key in keys/ is named for it, _system records that it began; a trail that began in the last minute may not be archived yet',
    );
    expect(expectedTrails?.find(({ trail }) => trail === 'payments')?.evidence).toHaveLength(3);
  });

  test('also the system’s own: the keys name it', async () => {
    const { problems } = await verify(without(whole, SYSTEM));
    expect(problems).toMatchObject([{ kind: 'missing_trail', trail: '_system' }]);
  });

  test('also of a P-256 log, whose one key names its first trail', async () => {
    const keys = [p256Key(4)];
    const both = new Map([
      ...buildTrail({ keys, runs: [5], seals: [5] }).archive,
      ...buildTrail({ keys, trail: 'payments', runs: [5], seals: [5] }).archive,
    ]);
    // The key's file was written with the first trail.
    both.set(
      `keys/${keyIdOf(`${LOG}/orders`, p256Key(4))}.vkey`,
      Buffer.from(`${vkeyOf(`${LOG}/orders`, p256Key(4))}\n`),
    );
    const report = await verify(without(both, /^orders\//), parseTrustedKeys(p256Key(4).pem));
    expect(report.problems).toMatchObject([{ kind: 'missing_trail', trail: 'orders' }]);
  });

  test('also when nothing but keys is left', async () => {
    const report = await verify(without(whole, PAYMENTS, SYSTEM, /^orders\//));
    expect(report.problemCounts).toEqual({ missing_trail: 3 });
    expect(report.verdict).toBe('incomplete');
  });

  test.each([
    ['its checkpoint', /^payments\/(?!checkpoint$)/],
    ['its records', /^payments\/(?!records)/],
    ['one tile', /^payments\/(?!tile\/0)/],
  ])('and with %s left, what is left accuses', async (_, removed) => {
    const { verdict, trails } = await verify(without(whole, removed));
    expect(verdict).not.toBe('ok');
    expect(trails.find(({ trail }) => trail === 'payments')?.verdict).not.toBe('ok');
  });

  test('in a folder, where its empty folder stays', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-missing-'));
    for (const [name, bytes] of without(whole, PAYMENTS)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes);
    }
    await mkdir(join(folder, 'payments/checkpoints'), { recursive: true });
    const { problemCounts } = await verifyArchive(await FolderObjects.openReadOnly(folder), { trust: pem });
    await rm(folder, { recursive: true });
    expect(problemCounts).toMatchObject({ missing_trail: 1 });
  });
});

describe('the set of trails', () => {
  test('is known where _system records them, and says nothing against what is there', async () => {
    const report = await verify(whole, vkeys.concat(pem));
    expect(report).toMatchObject({ verdict: 'ok', problems: [], skipped: [] });
    expect(report.expectedTrails?.map(({ trail, isThere }) => [trail, isThere])).toEqual([
      ['_system', true],
      ['orders', true],
      ['payments', true],
    ]);
  });

  test('is not known without such records, and the report says so', async () => {
    for (const archive of [orders, new Map([...orders, ...system(['refunds'], 'app')])]) {
      const report = await verify(archive);
      expect(report).toMatchObject({ verdict: 'ok', problems: [] });
      expect(report.skipped.map(({ why }) => why)).toEqual([expect.stringMatching(/^which trails there should be/)]);
    }
  });

  test('is not asked about where single trails are', async () => {
    const objects = await objectsOf(without(whole, PAYMENTS));
    const report = await verifyArchive(objects, { trust: vkeys, trails: ['orders'] });
    expect(report).toMatchObject({ verdict: 'ok', problems: [] });
    expect(report.expectedTrails).toBeUndefined();
  });

  test('has a trail that arrives while the verification runs', async () => {
    const objects = await objectsOf(without(whole, PAYMENTS));
    const report = await verifyArchive(objects, {
      trust: pem,
      onProgress: () => {
        for (const [name, bytes] of payments) void objects.put(name, bytes);
      },
    });
    expect(report.problems).toEqual([]);
    expect(report.skipped).toEqual([{ trail: 'payments', why: 'archived while the verification ran' }]);
  });

  test('is that of this log: keys for others expect nothing here', async () => {
    const others = parseTrustedKeys(`${vkeyOf('other.example.com/refunds', KEY)}\n${KEY.pem}`);
    const report = await verifyArchive(await objectsOf(whole), { trust: others, logName: LOG });
    expect(report).toMatchObject({ verdict: 'ok', problems: [] });
  });
});
