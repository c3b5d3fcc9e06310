import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answer } from '../../functions/gateway.ts';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailVerification } from '../../functions/trail-verification.ts';
import { Router } from '../../lib/api/core/router.ts';
import { APPEND_ROUTES, READ_ROUTES } from '../../lib/api/groups.ts';
import { FOLLOWERS, openFollowers } from '../../lib/app/followers.ts';
import type { ArchivedLog } from '../../lib/app/log.ts';
import { retiredKeys } from '../../lib/keys/retired-keys.ts';
import { checkpointKey } from '../../lib/ledger/items/layout.ts';
import { formatCheckpoint, parseCheckpoint } from '../../lib/log/checkpoint.ts';
import { formatNote, parseNote, verifierFromSpki } from '../../lib/log/note.ts';
import type { Signer } from '../../lib/store/ports.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { append, bodyOf, wired } from './deployed.ts';
import { gatewayEvent } from './events.ts';

/** The keys of a deployment change from one deployment to the next, over the same table and the same archive. */

const archiverOf = (log: ArchivedLog) => openFollowers(FOLLOWERS, log).archiver;
const older = new MemorySigner();
const newer = new MemorySigner();

let table: MemoryTable;
let objects: MemoryObjects;
beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  table = new MemoryTable();
  objects = new MemoryObjects();
});
afterEach(() => vi.restoreAllMocks());

/** What a deployment with these keys does with one event, and afterwards. */
async function deployedWith(signers: readonly Signer[], retired: readonly Signer[] = []) {
  const log = wired({ table, objects, signers, retired });
  const appending = new Router(APPEND_ROUTES);
  const result = await answer(gatewayEvent(append('orders')), {
    router: appending,
    services: async () => log,
    actions: ['append'],
  });
  expect(result.statusCode).toBe(201);
  await archiverOf(log).seal('orders');
  return { ...log, retired: await log.retiredKeys() };
}

const keyIdOf = async (signer: Signer): Promise<number> =>
  verifierFromSpki('audit.example.com/orders', await signer.publicKey()).keyId;

async function signersOf(size: number): Promise<number[]> {
  const item = await table.get(checkpointKey('orders', size));
  return parseNote(String(item?.attributes.note)).signatures.map(({ keyId }) => keyId);
}

describe('a rotation of signing keys', () => {
  it('has both keys sign, then the newer alone; the archive has both, and verifies from one end to the other', async () => {
    await deployedWith([older]);
    await deployedWith([older, newer]);
    const log = await deployedWith([newer], [older]);
    const [first, second] = [await keyIdOf(older), await keyIdOf(newer)];
    expect([await signersOf(1), await signersOf(2), await signersOf(3)]).toEqual([[first], [first, second], [second]]);

    const hex = (keyId: number) => keyId.toString(16).padStart(8, '0');
    for (const keyId of [first, second]) expect(await objects.get(`keys/${hex(keyId)}.vkey`)).toBeDefined();

    const report = await new TrailVerification(log).verify('orders', 'full');
    expect(report).toMatchObject({ verdict: 'ok', from: 0, to: 3 });
  });

  it.each([
    ['a key alone has signed', [older]],
    ['a key has signed with its successor', [older, newer]],
  ])('archives what %s before it was retired and the archive had come so far, with that key', async (_, signers) => {
    const before = wired({ table, objects, signers });
    await before.ledger.append({
      trail: 'orders',
      submitter: 'a',
      events: [{ id: '1', json: '{"id":"1","type":"a.b"}' }],
    });
    await archiverOf(wired({ table, objects, signers: [newer], retired: [older] })).run('orders', { force: true });
    expect(await signersOf(1)).toEqual(await Promise.all(signers.map(keyIdOf)));
    const vkeyOf = async (signer: Signer) =>
      verifierFromSpki('audit.example.com/orders', await signer.publicKey()).vkey;
    const trust = `${await vkeyOf(older)} to=1\n${await vkeyOf(newer)}`;
    expect(await verifyArchive(objects, { trust: parseTrustedKeys(trust) })).toMatchObject({ verdict: 'ok' });
  });

  it('archives nothing that a key of no one has signed', async () => {
    const before = wired({ table, objects, signers: [new MemorySigner()] });
    await before.ledger.append({
      trail: 'orders',
      submitter: 'a',
      events: [{ id: '1', json: '{"id":"1","type":"a.b"}' }],
    });
    const archiver = archiverOf(wired({ table, objects, signers: [newer], retired: [older] }));
    await expect(archiver.run('orders', { force: true })).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  it('is told by GET /v1/keys: which keys sign, and to where those did that sign no more', async () => {
    await deployedWith([older]);
    await deployedWith([older, newer]);
    const log = await deployedWith([newer], [older]);
    const queries = { readPage: undefined } as never; // not asked for keys
    const result = await answer(gatewayEvent({ route: 'GET /v1/keys', query: 'trail=orders' }), {
      router: new Router(READ_ROUTES),
      services: async () => ({ ...log, queries }),
      actions: ['read'],
    });
    const { keys, retired } = bodyOf(result) as { keys: { vkey: string }[]; retired: { vkey: string; to: number }[] };
    expect(keys).toHaveLength(1);
    expect(retired).toMatchObject([{ to: 3 }]);
    const trust = [...keys.map(({ vkey }) => vkey), ...retired.map(({ vkey, to }) => `${vkey} to=${to}`)].join('\n');
    expect(await verifyArchive(objects, { trust: parseTrustedKeys(trust) })).toMatchObject({ verdict: 'ok' });
  });

  it('writes down once where a retired key ended, and finds what someone signs with it later', async () => {
    await deployedWith([older]);
    await deployedWith([older, newer]);
    const { retired } = await deployedWith([newer], [older]);
    const log = await deployedWith([newer], [older]);
    expect(log.retired).toEqual(retired);

    const item = await table.get(checkpointKey('orders', 4));
    const { root } = parseCheckpoint(parseNote(String(item?.attributes.note)).text);
    const name = 'audit.example.com/orders';
    const text = formatCheckpoint({ origin: name, size: 4, root });
    const signature = await older.sign(Buffer.from(text));
    const note = formatNote(text, [{ name, keyId: await keyIdOf(older), signature }]);
    await table.transact([{ put: { ...checkpointKey('orders', 4), attributes: { note } } }]);
    const report = await new TrailVerification(log).verify('orders', 'full');
    expect(report.verdict).toBe('damaged');
    expect(report.problems.map(({ kind }) => kind)).toContain('retired_key');
  });

  it('says of a trail that began later that the retired key signed nothing of it', async () => {
    await deployedWith([older]);
    const { ledger, retired } = await deployedWith([newer], [older]);
    expect(retired[0]?.ends).toEqual({ orders: 2 });
    await ledger.append({ trail: 'later', submitter: 'a', events: [{ id: '1', json: '{"id":"1","type":"a.b"}' }] });
    expect((await retiredKeys(table, ledger, [older]))[0]?.ends).toEqual({ orders: 2 });
  });

  it('does not guess when what was written down is damaged', async () => {
    const { ledger } = await deployedWith([newer], [older]);
    for await (const { partition, sort } of table.query({ partition: 'deployment' })) {
      if (sort.startsWith('retired-key/')) {
        await table.transact([{ put: { partition, sort, attributes: { ends: '{"orders":"all"}' } } }]);
      }
    }
    await expect(retiredKeys(table, ledger, [older])).rejects.toMatchObject({
      code: 'store_corrupt',
      message: 'the stored ends of a retired key are not readable',
    });
  });
});
