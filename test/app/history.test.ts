import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FOLLOWERS, openFollowers } from '../../lib/app/followers.ts';
import { wireLog } from '../../lib/app/log.ts';
import { refuseAppends } from '../../lib/ledger/items/refusal.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { type Embedded, openEmbedded } from '../../lib/server/embedded.ts';
import { FolderHealth } from '../../lib/server/folder-health.ts';
import { MemoryFiles } from '../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { temporaryFolder } from '../store/temporary.ts';

/**
 * A log never signs two histories. A database that was put back from an older copy, or has lost its newest writes, looks whole;
 * what was archived and signed contradicts it. Then the trail takes nothing more, and says so.
 */

const eventOf = (id: string) => ({ id, json: `{"id":"${id}","severity":"info","type":"auth.login"}` });
const append = ({ ledger }: Pick<Embedded, 'ledger'>, ...ids: string[]) =>
  ledger.append({ trail: 'orders', submitter: 'shop', events: ids.map(eventOf) });
const refused = (message: RegExp) => ({ code: 'history_conflict', message: expect.stringMatching(message) });

describe('on one machine', () => {
  const database = (dir: string) => join(dir, 'sealtrail.db');

  /** Opens the folder for as long as `use` takes. @returns the codes of the errors outside of requests, each with its trail */
  async function opened(dir: string, use: (log: Embedded) => Promise<void>): Promise<ReadonlySet<string>> {
    const errors = new Set<string>();
    const onError = (error: unknown, { trail }: { readonly trail?: string }) =>
      void errors.add(`${error instanceof SealtrailError ? error.code : String(error)} ${trail}`);
    const log = await openEmbedded(dir, { onError });
    await use(log).finally(() => log.close());
    return errors;
  }

  it('refuses a trail whose database is gone, at the start and at each append', async () => {
    const dir = join(await temporaryFolder(), 'data');
    await opened(dir, async (log) => {
      await append(log, 'a', 'b', 'c', 'd');
      await log.archiver.seal('orders');
    });
    await rm(database(dir));
    const alarms = await opened(dir, async (log) => {
      const message = /^trail orders has 0 records, and its archive 4: nothing is appended to it/;
      await expect(append(log, 'x')).rejects.toMatchObject(refused(message));
      await expect(append(log, 'x')).rejects.toMatchObject(refused(message));
      expect(await log.ledger.head('orders')).toBeUndefined();
      // A trail that had not reached the archive may have been signed, too.
      const other = log.ledger.append({ trail: 'other', submitter: 'shop', events: [eventOf('x')] });
      await expect(other).rejects.toMatchObject(refused(/^the database has no trail, and its archive has orders/));
    });
    expect(alarms).toContain('history_conflict orders');
  });

  it('tells of a lost trail at the start, though no one appends to it', async () => {
    const dir = join(await temporaryFolder(), 'data');
    await opened(dir, async (log) => {
      await append(log, 'a');
      await log.archiver.seal('orders');
    });
    await rm(database(dir));
    const errors: unknown[] = [];
    const log = await openEmbedded(dir, { onError: (error) => errors.push(error) });
    onTestFinished(() => log.close());
    await vi.waitFor(() => expect(errors).toContainEqual(expect.objectContaining({ code: 'history_conflict' })));
  });

  it('refuses an older copy, also where nothing was sealed since', async () => {
    const dir = join(await temporaryFolder(), 'data');
    const quiet = ({ ledger }: Embedded) =>
      ledger.append({ trail: 'quiet', submitter: 'shop', events: [eventOf('q')] });
    await opened(dir, async (log) => {
      await append(log, 'a', 'b');
      await quiet(log);
      await log.archiver.seal('orders');
    });
    const copy = join(await temporaryFolder(), 'copy.db');
    await copyFile(database(dir), copy);
    await opened(dir, async (log) => {
      await append(log, 'c');
      await log.archiver.run('orders', { force: true });
    });
    const newest = join(await temporaryFolder(), 'newest.db');
    await copyFile(database(dir), newest);
    await copyFile(copy, database(dir));
    await opened(dir, async (log) => {
      await expect(append(log, 'x')).rejects.toMatchObject(refused(/^trail orders has 2 records, and its archive 3/));
      // What was signed of this one since the copy, and had not reached the archive, no one knows.
      const older = /^the database is older than its archive: trail orders has 2 records/;
      await expect(quiet(log)).rejects.toMatchObject(refused(older));
      await expect(append(log, 'x')).rejects.toMatchObject(refused(/^trail orders has 2 records, and its archive 3/));
    });

    expect(await new FolderHealth(dir).conflicts()).toEqual([expect.stringMatching(/^trail orders has 2 records/)]);

    // With the right one in its place the log goes on.
    await copyFile(newest, database(dir));
    const errors = await opened(dir, async (log) => {
      expect((await append(log, 'd')).first).toBe(3);
      expect((await quiet(log)).first).toBe(1);
    });
    expect(errors).toEqual(new Set());
    expect(await new FolderHealth(dir).conflicts()).toEqual([]);
  });

  it('refuses a database of another history, be it longer', async () => {
    const dir = join(await temporaryFolder(), 'data');
    const [empty, archive, kept] = [join(dir, 'empty.db'), join(dir, 'archive'), join(dir, 'kept')];
    await opened(dir, async () => undefined);
    await copyFile(database(dir), empty);
    await opened(dir, async (log) => {
      await append(log, 'a', 'b');
      await log.archiver.seal('orders');
    });
    await rename(archive, kept);
    await copyFile(empty, database(dir));
    await opened(dir, async (log) => void (await append(log, 'x', 'y', 'z')));
    await rm(archive, { recursive: true });
    await rename(kept, archive);
    await opened(dir, async (log) => {
      await expect(append(log, 'x')).rejects.toMatchObject(
        refused(/^trail orders is not the one that was archived at 2 records/),
      );
    });
  });
});

describe('on AWS', () => {
  const signers = [new MemorySigner()];
  const settings = { logName: 'audit.example.com' };

  it('looks at the archive once for each trail, not with each append', async () => {
    const objects = new MemoryObjects();
    const looks = vi.spyOn(objects, 'list');
    const log = wireLog({ table: new MemoryTable(), objects, signers }, settings);
    for (const id of ['a', 'b', 'c']) await append(log, id);
    // For whether there are trails at all, and for the newest segment of this one.
    expect(looks).toHaveBeenCalledTimes(2);
  });

  it('has processes without the archive refuse what the follower found, until it is mended', async () => {
    const [table, restored, objects] = [new MemoryTable(), new MemoryTable(), new MemoryObjects()];
    const files = new MemoryFiles();
    const whole = wireLog({ table, objects, files, signers }, settings);
    await append(whole, 'a', 'b');
    await openFollowers(FOLLOWERS, whole).archiver.seal('orders');

    /** A process that appends, started now. */
    const appending = (on: MemoryTable) => wireLog({ table: on, signers }, settings);
    const checking = (on: MemoryTable) =>
      openFollowers(FOLLOWERS, wireLog({ table: on, objects, files, signers }, settings)).history;
    // What comes before the follower has looked is taken: the window that docs/operations.md tells of.
    await append(appending(restored), 'x');
    const behind = refused(/^trail orders has 1 records, and its archive 2/);
    const check = checking(restored);
    await expect(check.run('orders')).rejects.toMatchObject(behind);
    await expect(check.run('orders')).rejects.toMatchObject(behind);
    await expect(append(appending(restored), 'y')).rejects.toMatchObject(behind);
    const [alert] = await Array.fromAsync(appending(restored).ledger.blocks('_system', { from: 0, to: 10 }));
    expect(alert?.lines).toEqual([expect.stringContaining('"description":"trail orders has 1 records')]);

    await refuseAppends(table, 'orders', 'as found in a copy');
    await expect(append(appending(table), 'c')).rejects.toMatchObject({ code: 'history_conflict' });
    await checking(table).run('orders');
    expect((await append(appending(table), 'c')).first).toBe(2);
  });
});
