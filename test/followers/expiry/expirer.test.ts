import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { Expirer } from '../../../lib/followers/expiry/expirer.ts';
import { expiryOf, readExpiryState } from '../../../lib/followers/expiry/expiry-state.ts';
import { Indexer } from '../../../lib/followers/indexing/indexer.ts';
import { ArchivedRecords } from '../../../lib/ledger/archived-records.ts';
import { readRecord } from '../../../lib/ledger/blocks.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { checkTrail, events, openLedger, TRAIL } from '../../ledger/fixture.ts';
import { runs } from '../../runs.ts';
import { filesOf } from '../../support/index-files.ts';

/**
 * The promise: a block is given a time to expire at only once the archive has all of it, where it can be read without the
 * hot store; so whatever the store removes and whenever, no record is lost. The worst day: a crash between any two writes,
 * and a store that removes what has expired at once.
 */

const DAY = 86_400;
const START = Date.UTC(2026, 0, 1);

class World {
  readonly table = new MemoryTable();
  readonly objects = new MemoryObjects();
  now = START;
  hotDays: number | 'forever' = 30;

  /** The ids of all events that were appended, in order. */
  readonly appended: string[] = [];

  async append(sizes: readonly number[]): Promise<void> {
    const ledger = openLedger(this.table, { now: () => this.now });
    for (const size of sizes) {
      this.now += 1000;
      const some = events(`b${this.now}`, size);
      await ledger.append({ trail: TRAIL, submitter: 'test', events: some });
      this.appended.push(...some.map(({ id }) => id));
    }
  }

  async archive(): Promise<void> {
    const ledger = openLedger(this.table, { now: () => this.now });
    const { objects, table } = this;
    await new Archiver({ objects, table, ledger, now: () => this.now }).run(TRAIL, { force: true });
  }

  async index(): Promise<void> {
    await new Indexer({ table: this.table, files: filesOf(this.table) }).run(TRAIL, { force: true });
  }

  expirer(table = this.table): Expirer {
    const archive = new ArchivedRecords({ objects: this.objects, table });
    return new Expirer({ table, archive, hotDays: () => this.hotDays });
  }

  /** First record and time to expire at of each block that stands in the hot store. */
  async blocks(): Promise<(readonly [number, number | undefined])[]> {
    const items = await Array.fromAsync(this.table.query({ partition: `block/${TRAIL}` }));
    return items.map(({ attributes, expiresAt }) => [Number(attributes.first), expiresAt] as const);
  }

  /** All records, through the reader that goes on in the archive. */
  async ids(): Promise<string[]> {
    const archive = new ArchivedRecords({ objects: this.objects, table: this.table });
    return checkTrail(this.table, TRAIL, { archive });
  }

  /** The same, each record by its number. */
  async idsByNumber(): Promise<string[]> {
    const archive = new ArchivedRecords({ objects: this.objects, table: this.table });
    const lines = this.appended.map((_, seq) => readRecord(this.table, TRAIL, seq, archive));
    return (await Promise.all(lines)).map((line) => JSON.parse(line ?? '').event.id);
  }
}

describe('a block is stamped', () => {
  it('when full bundles hold all of its records, at the time it was received and the days it stays, in seconds', async () => {
    const world = new World();
    await world.append([100, 100, 56, 100, 200]);
    await world.archive();
    await world.index();
    await world.expirer().run(TRAIL);
    const at = (block: number) => START / 1000 + block + 30 * DAY;
    // The last one reaches into the bundle that is not full, which the archiver reads again.
    expect(await world.blocks()).toEqual([
      [0, at(1)],
      [100, at(2)],
      [200, at(3)],
      [256, at(4)],
      [356, undefined],
    ]);
  });

  it('with all of its parts', async () => {
    const world = new World();
    const ledger = openLedger(world.table);
    // Random letters do not compress: more than one item holds.
    const noise = () => Array.from({ length: 40 }, () => crypto.randomUUID()).join('');
    const large = Array.from({ length: 512 }, (_, n) => ({
      id: `e-${n}`,
      json: `{"id":"e-${n}","noise":"${noise()}"}`,
    }));
    await ledger.append({ trail: TRAIL, submitter: 'test', events: large });
    await world.archive();
    await world.index();
    await world.expirer().run(TRAIL);
    const parts = await Array.fromAsync(world.table.query({ partition: `block-part/${TRAIL}/${'0'.repeat(16)}` }));
    const [[, expiresAt] = []] = await world.blocks();
    expect(parts.length).toBeGreaterThan(0);
    expect(expiresAt).toBeDefined();
    for (const part of parts) expect(part.expiresAt).toBe(expiresAt);
  });

  it('not before it is archived, nor before it is indexed, nor where trails stay for ever', async () => {
    const world = new World();
    await world.append([300]);
    await world.index();
    await world.expirer().run(TRAIL);
    await world.append([300]);
    await world.archive();
    await world.expirer().run(TRAIL);
    // The index ends at 300, within the second bundle.
    expect((await world.blocks()).map(([, expiresAt]) => typeof expiresAt)).toEqual(['number', 'undefined']);
    world.hotDays = 'forever';
    await world.append([300]);
    await world.index();
    await world.archive();
    await world.expirer().run(TRAIL);
    expect((await world.blocks()).map(([, expiresAt]) => typeof expiresAt)).toEqual([
      'number',
      'undefined',
      'undefined',
    ]);
  });

  it('once: days that change hold for what is stamped from then on', async () => {
    const world = new World();
    await world.append([256]);
    await world.archive();
    await world.index();
    await world.expirer().run(TRAIL);
    world.hotDays = 7;
    await world.append([256]);
    await world.archive();
    await world.index();
    await world.expirer().run(TRAIL);
    const [first, second] = [START / 1000 + 1 + 30 * DAY, START / 1000 + 2 + 7 * DAY];
    expect(await world.blocks()).toEqual([
      [0, first],
      [256, second],
    ]);
    const state = await readExpiryState(world.table, TRAIL);
    expect(expiryOf(state, 0, START + 1000)).toBe(first);
    expect(expiryOf(state, 256, START + 2000)).toBe(second);
    expect(expiryOf(state, 512, START + 3000)).toBeUndefined();
  });

  it.each([
    ['changed', (bytes: Uint8Array) => bytes.with(50, (bytes[50] ?? 0) ^ 1)],
    ['removed', () => undefined],
  ])('never while the archived object that holds it is %s: that is an alarm', async (_, change) => {
    const world = new World();
    await world.append([256, 256]);
    await world.archive();
    await world.index();
    const name = `${TRAIL}/tile/entries/001`;
    world.objects.tamper(name, change((await world.objects.get(name)) ?? new Uint8Array(0)));
    await expect(world.expirer().run(TRAIL)).rejects.toMatchObject({
      code: 'archive_damaged',
      message: expect.stringContaining(name),
    });
    expect(await world.blocks()).toEqual([
      [0, undefined],
      [256, undefined],
    ]);
  });
});

describe('a crash between any two writes', () => {
  it('loses no record, whatever the store has removed meanwhile, and the next run stamps the rest', async () => {
    const effects = ['unpersisted', 'persisted', 'cut_before', 'cut_after'] as const;
    const someCrash = fc.record({ effect: fc.constantFrom(...effects), nth: fc.integer({ min: 1, max: 9 }) });
    const someSizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4, size: 'max' });
    const someRound = fc.record({
      sizes: someSizes,
      crash: someCrash,
      hotDays: fc.constantFrom(3, 30),
      days: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(someRound, { minLength: 1, maxLength: 3 }), async (rounds) => {
        const world = new World();
        for (const { sizes, crash, hotDays, days } of rounds) {
          world.hotDays = hotDays;
          await world.append(sizes);
          await world.archive();
          await world.index();
          const crashing = world.table.restarted();
          crashing.faults.add(crash);
          await world.expirer(crashing).run(TRAIL).catch(expectFault);
          world.now += days * DAY * 1000;
          world.table.purgeExpired(Math.floor(world.now / 1000));
          expect(await world.ids()).toEqual(world.appended);
          expect(await world.idsByNumber()).toEqual(world.appended);
          await world.expirer().run(TRAIL);
          const state = await readExpiryState(world.table, TRAIL);
          for (const [first, expiresAt] of await world.blocks())
            expect(expiresAt !== undefined).toBe(first < state.size);
          world.table.purgeExpired(Math.floor(world.now / 1000));
          expect(await world.ids()).toEqual(world.appended);
          expect(await world.idsByNumber()).toEqual(world.appended);
        }
      }),
      runs(5),
    );
  });
});

function expectFault(error: unknown): void {
  expect(error).toBeInstanceOf(SealtrailError);
  expect(error).toMatchObject({ code: expect.stringMatching(/^(unavailable|outcome_unknown)$/) });
}
