import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Embedded, openEmbedded } from '../../../lib/server/embedded.ts';
import { rebuildFolder } from '../../../lib/server/rebuild/rebuild.ts';
import { readStandings } from '../../../lib/server/rebuild/standings.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { verifyArchive } from '../../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { beginningsOf } from '../beginnings.ts';

/** A log whose database is behind its archive goes on from the archive, and no key signs two histories. */

const eventOf = (id: string) => ({ id, json: `{"id":"${id}","severity":"info","type":"auth.login"}` });
const append = ({ ledger }: Embedded, trail: string, ...ids: string[]) =>
  ledger.append({ trail, submitter: 'shop', events: ids.map(eventOf) });
const upTo = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const database = (dir: string) => join(dir, 'sealtrail.db');

/** Opens the folder for as long as `use` takes. @returns the errors outside of requests */
async function opened(dir: string, use: (log: Embedded) => Promise<void>): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  const log = await openEmbedded(dir, { logName: 'example.com', onError: (error) => errors.push(error) });
  await use(log).finally(() => log.close());
  return errors;
}

const idsOf = async ({ ledger }: Embedded, trail: string): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { lines } of ledger.blocks(trail, { from: 0, to: 1e6 }))
    ids.push(...lines.map((line) => JSON.parse(line).event.id));
  return ids;
};

async function verified(dir: string, trust: readonly string[]) {
  const objects = await FolderObjects.openReadOnly(join(dir, 'archive'));
  return verifyArchive(objects, { trust: parseTrustedKeys(trust.join('\n')) }).finally(() => objects.close());
}

/** A log with a few trails, all archived. */
async function log(): Promise<string> {
  const dir = join(await temporaryFolder(), 'data');
  await opened(dir, async (log) => {
    await append(log, 'orders', ...upTo(300, 'a'));
    await append(log, 'orders', ...upTo(300, 'b'));
    await append(log, 'payments', 'p0');
    for (const trail of ['orders', 'payments']) await log.archiver.seal(trail);
    await beginningsOf(log, 'orders', 'payments');
    await log.archiver.seal('_system');
  });
  return dir;
}

/** Everything archived, and a receipt beyond it. */
describe('a data folder', () => {
  it('whose database is gone goes on after what was archived, under a new key', async () => {
    const dir = await log();
    const policyOf = async ({ policyOf }: Embedded) => (await policyOf('orders')).maskTag?.('ann@example.com');
    const tags: (string | undefined)[] = [];
    await opened(dir, async (log) => void tags.push(await policyOf(log)));
    await rm(database(dir));
    const states = (await readStandings(dir)).map(({ trail, state, archived }) => [trail, state, archived]);
    expect(states).toContainEqual(['orders', 'behind', 600]);
    const rebuilt = await rebuildFolder(dir);
    expect(rebuilt?.trails).toContainEqual({ trail: 'orders', before: 0, size: 600, receivedAt: expect.any(Number) });
    expect(await rebuildFolder(dir)).toBeUndefined();
    const errors = await opened(dir, async (log) => {
      const receipt = await append(log, 'orders', 'c');
      expect(receipt).toMatchObject({ first: 600, sealed: true });
      expect(tags).toEqual([expect.stringMatching(/^~/)]);
      expect(await policyOf(log)).toBe(tags[0]);
      expect(await idsOf(log, 'orders')).toEqual([...upTo(300, 'a'), ...upTo(300, 'b'), 'c']);
      for (const trail of ['orders', 'payments', '_system']) await log.archiver.seal(trail);
      expect(await log.verifier.verify('orders')).toMatchObject({ verdict: 'ok', problems: [] });
    });
    expect(errors).toEqual([]);
    const report = await verified(dir, rebuilt?.keys.trust ?? []);
    expect(report).toMatchObject({ verdict: 'ok', problems: [] });
  });

  it('whose database is an older copy is completed, and keeps what the archive does not hold', async () => {
    const dir = await log();
    const copy = join(await temporaryFolder(), 'copy.db');
    await opened(dir, async (log) => void (await append(log, 'quiet', 'q')));
    await copyFile(database(dir), copy);
    await opened(dir, async (log) => {
      await append(log, 'orders', ...upTo(700, 'c'));
      await log.archiver.run('orders', { force: true });
    });
    await copyFile(copy, database(dir));
    const rebuilt = await rebuildFolder(dir);
    expect(rebuilt?.trails.map(({ trail, before, size }) => [trail, before, size])).toContainEqual([
      'orders',
      600,
      1300,
    ]);
    const errors = await opened(dir, async (log) => {
      expect(await append(log, 'orders', 'd')).toMatchObject({ first: 1300, sealed: true });
      expect(await idsOf(log, 'quiet')).toEqual(['q']);
      expect(await idsOf(log, 'orders')).toHaveLength(1301);
      expect(await log.archiver.seal('orders')).toMatchObject({ size: 1301 });
      expect((await idsOf(log, '_system')).length).toBeGreaterThan(2);
    });
    expect(errors).toEqual([]);
  });

  it('that holds another history is left alone, unless it may be replaced; then what follows the archive is taken over', async () => {
    const dir = await log();
    const archive = join(dir, 'archive');
    const [empty, kept] = [await temporaryFolder(), join(dir, 'kept')];
    await copyFile(database(dir), join(empty, 'whole.db'));
    // Another history of orders, and more of payments than is archived.
    await rename(archive, kept);
    await opened(dir, async () => undefined).catch(() => undefined);
    await rm(archive, { recursive: true });
    await mkdir(archive);
    await rm(database(dir));
    await opened(dir, async (log) => void (await append(log, 'orders', 'x', 'y')));
    await rm(archive, { recursive: true });
    await rename(kept, archive);
    await expect(rebuildFolder(dir)).rejects.toMatchObject({ code: 'history_conflict' });
    const rebuilt = await rebuildFolder(dir, { replace: true });
    expect(rebuilt?.replaced?.carried).toContainEqual({ trail: 'orders', from: 0, to: 2, became: 'left' });
    const errors = await opened(dir, async (log) => {
      expect((await append(log, 'orders', 'z')).first).toBe(600);
    });
    expect(errors).toEqual([]);
    expect((await readStandings(dir)).filter(({ state }) => state !== 'whole')).toEqual([]);
  });

  it('knows what is sent again under its idempotency key, though no record names the key', async () => {
    const dir = await log();
    const send = ({ ledger }: Embedded, key: string, ids: readonly string[], submitter = 'shop') =>
      ledger.append({ trail: 'orders', submitter, events: ids.map(eventOf), idempotency: { key, bodyHash: key } });
    const [role, session] = ['arn:aws:sts::123456789012:assumed-role/till/one', '-and-two'];
    await opened(dir, async (log) => {
      expect(await send(log, 'k1', ['c0', 'c1', 'c2'])).toMatchObject({ first: 600, replayed: false });
      expect(await send(log, 'k2', ['c1'], role)).toMatchObject({ first: 603 });
      await log.archiver.seal('orders');
    });
    await rm(database(dir));
    await rebuildFolder(dir);
    await opened(dir, async (log) => {
      const again = await send(log, 'k1', ['c0', 'c1', 'c2']);
      expect(again).toMatchObject({ first: 600, count: 3, replayed: true, sealed: true });
      expect(await send(log, 'k2', ['c1'], role + session)).toMatchObject({ first: 603, replayed: true });
      // None of these is one of them: of another submitter, of other bytes, in another order, more than was sent.
      expect(await send(log, 'k1', ['c0', 'c1', 'c2'], 'till')).toMatchObject({ first: 604, replayed: false });
      const changed = { id: 'c0', json: eventOf('c0').json.replace('info', 'error') };
      const other = {
        trail: 'orders',
        submitter: 'shop',
        events: [changed],
        idempotency: { key: 'k4', bodyHash: 'h' },
      };
      expect(await log.ledger.append(other)).toMatchObject({ first: 607, replayed: false });
      expect(await send(log, 'k5', ['c1', 'c0'])).toMatchObject({ first: 608, replayed: false });
      expect(await send(log, 'k6', ['c2', 'x'])).toMatchObject({ first: 610, replayed: false });
      // Without a key an event is new, whatever its id.
      expect(await append(log, 'orders', 'c0')).toMatchObject({ first: 612, replayed: false });
      // The archive ended after the first of these.
      await expect(send(log, 'k7', ['c1', 'd0'], role)).rejects.toMatchObject({
        code: 'idempotency_conflict',
        message: expect.stringContaining('the first 1 are records 603 to 603'),
      });
    });
  });

  it('remembers legal holds: from the orders in `_system`, or from the files that are held', async () => {
    const dir = await log();
    const by = 'arn:aws:iam::1:user/counsel';
    await opened(dir, async (log) => {
      const holds = log.legalHolds;
      await holds.set('orders', { held: true, reason: 'case 7', by });
      await holds.set('payments', { held: true, reason: 'case 8', by });
      await holds.set('payments', { held: false, reason: 'case 8 is closed', by });
      await log.archiver.seal('_system');
    });
    const objects = await FolderObjects.open(join(dir, 'archive'));
    await archived(dir, 'quiet');
    const [version] = await Array.fromAsync(objects.versions('quiet/'));
    await objects.hold(version?.key ?? '', version?.version ?? '', true);
    await objects.close();
    await rm(database(dir));
    const { holds } = (await rebuildFolder(dir)) ?? {};
    expect(holds).toEqual([
      { trail: 'orders', held: true, from: 'order' },
      { trail: 'quiet', held: true, from: 'objects' },
    ]);
    await opened(dir, async (log) => {
      const status = log.legalHolds;
      expect(await status.status('orders')).toMatchObject({ held: true, by, reason: 'case 7' });
      expect(await status.status('quiet')).toMatchObject({ held: true, by: 'sealtrail' });
      expect(await status.status('payments')).toMatchObject({ held: false });
      // What is archived from now on is held as it is put, and what was there as before.
      await append(log, 'orders', 'h');
      await log.archiver.seal('orders');
      const files = await FolderObjects.openReadOnly(join(dir, 'archive'));
      expect(await files.isHeld('orders/checkpoints/601', 'null')).toBe(true);
      await files.close();
    });
  });
});

/** Appends to a trail and archives that. */
async function archived(dir: string, trail: string): Promise<void> {
  await opened(dir, async (log) => {
    await append(log, trail, 'q');
    await log.archiver.seal(trail);
  });
}
