import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FOLLOWERS, openFollowers } from '../../lib/app/followers.ts';
import { type ArchivedLog, wireLog } from '../../lib/app/log.ts';
import { type Verifier, verifierFromSpki } from '../../lib/log/note.ts';
import { rebuildTrail } from '../../lib/rebuild/rebuild-trail.ts';
import { readStanding } from '../../lib/rebuild/standing.ts';
import type { Outcome, Write } from '../../lib/store/ports.ts';
import { MemoryFiles } from '../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';

/** A trail is completed from its archive with every record, whatever fails on the way, or nothing of it is. */

const TRAIL = 'orders';
const signers = [new MemorySigner()];
const settings = { logName: 'example.com' };
const verifier: Verifier = verifierFromSpki('example.com/orders', (await signers[0]?.publicKey()) ?? new Uint8Array());

const logOver = (table: MemoryTable, objects: MemoryObjects): ArchivedLog =>
  wireLog({ table, objects, files: new MemoryFiles(), signers }, settings);
const archiverOf = (log: ArchivedLog) => openFollowers(FOLLOWERS, log).archiver;

let made = 0;
async function append({ ledger }: ArchivedLog, count: number, submitter = 'shop'): Promise<void> {
  const events = Array.from({ length: count }, () => {
    const id = `e${made++}`;
    return {
      id,
      json: `{"details":{"prev":"\\",\\"prev\\":\\"${'0'.repeat(64)}"},"id":"${id}","severity":"info","type":"a.b"}`,
    };
  });
  await ledger.append({ trail: TRAIL, submitter, events });
}

async function linesOf({ ledger }: ArchivedLog): Promise<readonly string[]> {
  const blocks = await Array.fromAsync(ledger.blocks(TRAIL, { from: 0, to: 1e6 }));
  return blocks.flatMap(({ lines }) => lines);
}

async function rebuild(table: MemoryTable, objects: MemoryObjects, key = verifier) {
  const { ledger } = wireLog({ table, objects, signers: [] }, { ...settings, signs: false });
  const standing = await readStanding({ table, objects, ledger }, TRAIL);
  if (standing.state !== 'behind') return standing.state;
  return rebuildTrail({ table, objects, verifiers: () => [key] }, standing);
}

interface Left {
  readonly objects: MemoryObjects;
  readonly lines: readonly string[];
}

interface Lost extends Left {
  /** As it was before the last appends. */
  readonly table: MemoryTable;
}

/** Some records archived and sealed, then more archived; the Table is back at `known` of the first. */
async function lost(known: 'none' | 'some' = 'none'): Promise<Lost> {
  const [table, objects] = [new CopiedTable(), new MemoryObjects()];
  const log = logOver(table, objects);
  await append(log, 250);
  await append(log, 7, 'arn:aws:sts::1:assumed-role/"r"/s');
  await archiverOf(log).seal(TRAIL);
  table.isCopied = false;
  await append(log, 300);
  await append(log, 1);
  await archiverOf(log).run(TRAIL, { force: true });
  return { objects, lines: await linesOf(log), table: known === 'some' ? table.copy : new MemoryTable() };
}

/** A Table of which there is a backup. */
class CopiedTable extends MemoryTable {
  readonly copy = new MemoryTable();
  isCopied = true;

  override async transact(writes: readonly Write[]): Promise<Outcome> {
    const outcome = await super.transact(writes);
    if (this.isCopied && outcome.committed) await this.copy.transact(writes);
    return outcome;
  }
}

/** The log goes on: the next record, its archive, and all that it holds. */
async function expectWhole({ objects, lines }: Left, table: MemoryTable): Promise<void> {
  const log = logOver(table, objects);
  expect(await linesOf(log)).toEqual(lines);
  await append(log, 3);
  expect(await archiverOf(log).seal(TRAIL)).toMatchObject({ size: lines.length + 3 });
  const trust = parseTrustedKeys(verifier.vkey);
  expect(await verifyArchive(objects, { trust })).toMatchObject({ verdict: 'ok', problems: [] });
}

describe('a trail', () => {
  it.each(['none', 'some'] as const)('is completed from its archive where the Table has %s of it', async (known) => {
    const was = await lost(known);
    const before = known === 'none' ? 0 : 257;
    expect(await rebuild(was.table, was.objects)).toMatchObject({ trail: TRAIL, before, size: 558 });
    expect(await rebuild(was.table, was.objects)).toBe('whole');
    await expectWhole(was, was.table);
  });

  it('is completed with all that an archiver wrote that was interrupted, too', async () => {
    const sizes = new Set<number>();
    for (let nth = 1; ; nth++) {
      const objects = new MemoryObjects();
      const log = logOver(new MemoryTable(), objects);
      await append(log, 300);
      await archiverOf(log).seal(TRAIL);
      await append(log, 300);
      objects.faults.add({ effect: 'cut_after', nth });
      const failed = await archiverOf(log)
        .run(TRAIL, { force: true })
        .catch(() => 'failed');
      if (failed === undefined) break;
      const [table, left] = [new MemoryTable(), objects.restarted()];
      const rebuilt = await rebuild(table, left);
      const size = typeof rebuilt === 'object' ? rebuilt.size : 0;
      sizes.add(size);
      const again = logOver(table, left);
      await again.ledger.seal(TRAIL);
      await archiverOf(again).run(TRAIL, { force: true });
      await expectWhole({ objects: left, lines: (await linesOf(log)).slice(0, size) }, table);
    }
    // The segment comes first: a tile or bundle of records that are in none would stand in the way for ever.
    expect([...sizes]).toEqual([600]);
  });
});

/** What a process does whose machine goes down before or after one of its writes. */
class CrashingTable extends MemoryTable {
  left = Number.POSITIVE_INFINITY;
  when: 'before' | 'after' = 'before';

  override async transact(writes: readonly Write[]): Promise<Outcome> {
    this.left -= 1;
    if (this.left === 0 && this.when === 'before') throw new Error('crash');
    const outcome = await super.transact(writes);
    if (this.left === 0) throw new Error('crash');
    return outcome;
  }
}

describe('a rebuilding that fails', () => {
  it.each(['before', 'after'] as const)(
    '%s any of its writes takes no appends meanwhile, and is completed by the next',
    async (when) => {
      const was = await lost();
      for (let nth = 1; ; nth++) {
        const table = new CrashingTable();
        Object.assign(table, { left: nth, when });
        const failed = await rebuild(table, was.objects).catch(() => 'failed');
        if (failed !== 'failed') break;
        const next = table.restarted();
        if ((await standing(next, was.objects)) !== 'whole') {
          const appending = append(logOver(next, was.objects), 1);
          await expect(appending).rejects.toMatchObject({ code: 'history_conflict' });
        }
        await rebuild(next, was.objects);
        expect(await linesOf(logOver(next, was.objects))).toEqual(was.lines);
      }
    },
  );

  it('because the archive is not what was signed writes nothing', async () => {
    const was = await lost();
    const stranger = verifierFromSpki('example.com/orders', await new MemorySigner().publicKey());
    await expect(rebuild(was.table, was.objects, stranger)).rejects.toMatchObject({ code: 'archive_damaged' });
    const segments = (await Array.fromAsync(was.objects.list(`${TRAIL}/records/`))).map(({ key }) => key);
    const [first = '', last = ''] = segments;
    const changed = gzipSync(
      Buffer.from(
        gunzipSync((await was.objects.get(last)) ?? '')
          .toString()
          .replace('a.b', 'a.c'),
      ),
    );
    for (const [key, bytes] of [
      [last, changed],
      [last, Buffer.from('x')],
      [last, undefined],
      [first, undefined],
    ] as const) {
      const objects = new MemoryObjects();
      for await (const { key } of was.objects.list('')) await objects.put(key, (await was.objects.get(key)) ?? changed);
      objects.tamper(key, bytes);
      await expect(rebuild(was.table, objects)).rejects.toMatchObject({ code: 'archive_damaged' });
    }
    expect(was.table.faults.writes).toBe(0);
  });
});

async function standing(table: MemoryTable, objects: MemoryObjects) {
  const { ledger } = wireLog({ table, objects, signers: [] }, { ...settings, signs: false });
  return (await readStanding({ table, objects, ledger }, TRAIL)).state;
}
