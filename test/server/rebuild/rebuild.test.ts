import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Embedded, openEmbedded } from '../../../lib/server/embedded.ts';
import { rebuildFolder } from '../../../lib/server/rebuild/rebuild.ts';
import { standingsOf } from '../../../lib/server/rebuild/standings.ts';
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
    const states = (await standingsOf(dir)).map(({ trail, state, archived }) => [trail, state, archived]);
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
    expect((await standingsOf(dir)).filter(({ state }) => state !== 'whole')).toEqual([]);
  });
});
