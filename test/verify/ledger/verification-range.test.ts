import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Verifier } from '../../../lib/followers/verification/verifier.ts';
import { checkpointKey, headKey, openTileKey, watermarkKey } from '../../../lib/ledger/items/layout.ts';
import type { Item, Range, Table } from '../../../lib/store/ports.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { signer, TRAIL } from '../../ledger/fixture.ts';
import { runs } from '../../runs.ts';
import { expire } from './expired-world.ts';
import {
  append,
  archived,
  block,
  edit,
  flipped,
  forge,
  kinds,
  overwrite,
  recorded,
  type World,
  world,
} from './verified-world.ts';

/** Someone wants certain records looked at: they are, under a signature, and nothing is said of the others. */

const ARCHIVE_REST =
  'the archive’s record files, bundles, partial tiles and tiles above level 0: sealtrail verify reads them';

/** A table that tells how many items were read of a partition. */
function counted(table: Table, counts: Map<string, number>): Table {
  return {
    get: (key) => table.get(key),
    transact: (writes) => table.transact(writes),
    close: () => table.close(),
    async *query(range: Range) {
      for await (const item of table.query(range)) {
        counts.set(range.partition, (counts.get(range.partition) ?? 0) + 1);
        yield item;
      }
    },
  };
}

describe('a range of a ledger that no one touched', () => {
  it('is ok from the tile of the record before it to a checkpoint that covers it, and says what was left out', async () => {
    const made = await archived();
    const report = await made.verifier.verify(TRAIL, { from: 300, to: 390 });
    expect(report).toMatchObject({
      verdict: 'ok',
      mode: 'range',
      range: { from: 300, to: 390 },
      from: 256,
      to: 400,
      archivedFrom: 256,
      archivedTo: 400,
      checkpoint: { size: 400 },
      problems: [],
    });
    expect(report.notLookedAt).toEqual([
      'records 0 to 255 outside of the range that was asked for',
      'records 400 to 699 and the head, outside of the range that was asked for',
      ARCHIVE_REST,
    ]);
  });

  it.each([
    ['its first record', { from: 0, to: 1 }, { from: 0, to: 100 }],
    [
      'a record at the start of a tile, which follows one of the tile before',
      { from: 256, to: 257 },
      { from: 0, to: 300 },
    ],
    ['its last record, and with it the head', { from: 699, to: 700 }, { from: 512, to: 700 }],
    ['all from a record on', { from: 650 }, { from: 512, to: 700 }],
    ['all before a record', { to: 150 }, { from: 0, to: 200 }],
    ['all of it', { from: 0 }, { from: 0, to: 700 }],
  ])('may be %s', async (_, range, looked) => {
    const made = await archived();
    const { verdict, from, to, checkpoint, notLookedAt } = await made.verifier.verify(TRAIL, range);
    expect({ verdict, from, to, checkpoint: checkpoint?.size }).toEqual({
      verdict: 'ok',
      ...looked,
      checkpoint: looked.to,
    });
    expect(notLookedAt.some((sentence) => sentence.includes('the head'))).toBe(to < 700);
  });

  it('needs no archive: what stands before it in the tree is computed from the ledger', async () => {
    const made = await world();
    for (let n = 0; n < 7; n++) await append(made, 100);
    const report = await made.verifier.verify(TRAIL, { from: 600, to: 650 });
    expect(report).toMatchObject({ verdict: 'ok', from: 512, to: 700, archivedFrom: 0, archivedTo: 0 });
    expect(report.notLookedAt).toContain('records 512 to 699 in the archive: no full tile there holds them yet');
  });

  it('is never called signed where no checkpoint covers it', async () => {
    const absent = new MemorySigner();
    const made = await world({}, { signers: [absent], onUnsealed: () => undefined });
    await append(made, 3);
    absent.failures.push(new Error('away'));
    await append(made, 2);
    const report = await made.verifier.verify(TRAIL, { from: 4 });
    expect(report).toMatchObject({ verdict: 'ok', to: 5, checkpoint: { size: 3 } });
    expect(report.notLookedAt).toContain('records 3 to 4 are under no checkpoint that was found right yet');
  });

  it('is read from the archive where it has left the hot store, as it was to', async () => {
    const made = await archived();
    expect(await expire(made, 31)).toBe(5);
    const report = await made.verifier.verify(TRAIL, { from: 300, to: 390 });
    expect(report).toMatchObject({ verdict: 'ok', from: 256, to: 400, expired: 144 });
  });

  it('costs what it holds and not what the trail does', async () => {
    const made = await archived();
    const counts = new Map<string, number>();
    const table = counted(made.table, counts);
    const { objects, ledger } = made;
    const verifier = new Verifier({ table, objects, ledger, now: () => made.clock });
    await verifier.verify(TRAIL, { from: 600, to: 610 });
    // Blocks 500 and 600, and the first of them once more to find where they begin; checkpoints 600 and 700, and the newest.
    expect(counts.get(`block/${TRAIL}`)).toBe(3);
    expect(counts.get(`checkpoint/${TRAIL}`)).toBeLessThanOrEqual(4);
  });
});

describe('what comes of a range', () => {
  it('is recorded in _system with what was looked at and what was not', async () => {
    const made = await archived();
    const { notLookedAt } = await made.verifier.verify(TRAIL, { from: 300, to: 390 });
    expect(await recorded(made)).toMatchObject([
      {
        type: 'system.verification_completed',
        resource: { type: 'trail', id: TRAIL },
        details: {
          mode: 'range',
          range: { from: 300, to: 390 },
          from: 256,
          to: 400,
          archivedFrom: 256,
          archivedTo: 400,
          checkpoint: 400,
          notLookedAt,
        },
      },
    ]);
  });

  it('is no ok of the trail: the next one goes on where it would have, and the figures of the whole stay', async () => {
    const made = await archived();
    await made.verifier.verify(TRAIL, { from: 0, to: 700 });
    const before = await made.verifier.status(TRAIL);
    expect(before).toMatchObject({ runs: 1, failures: 0, lastRunAt: 0, lastOkAt: 0 });
    expect(before.secondsSinceOk).toBeUndefined();
    expect(before.report).toBeUndefined();
    expect(before.rangeReport).toMatchObject({ mode: 'range', to: 700 });
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 0, to: 700 });
    made.clock += 7_000;
    await made.verifier.verify(TRAIL, { from: 300, to: 301 });
    expect(await made.verifier.status(TRAIL)).toMatchObject({
      runs: 3,
      secondsSinceOk: 7,
      report: { mode: 'incremental' },
      rangeReport: { range: { from: 300, to: 301 } },
    });
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ from: 700, to: 700 });
  });

  it('does not put off the one that is due', async () => {
    const made = await archived();
    const due = 1_795_000_001_000 + 3_600_000;
    made.clock = due;
    await made.verifier.verify(TRAIL, { from: 300, to: 301 });
    await made.verifier.run(TRAIL);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 2, lastRunAt: due });
  });

  it('is a failure where it is damaged, and leaves the report on the trail as it was', async () => {
    const made = await archived();
    await made.verifier.verify(TRAIL);
    await edit(made.table, block(300), ({ attributes: a }) => ({ ...a, body: flipped(a.body, 20) }));
    expect(await made.verifier.verify(TRAIL, { from: 0, to: 200 })).toMatchObject({ verdict: 'ok' });
    expect(await made.verifier.verify(TRAIL, { from: 310, to: 320 })).toMatchObject({ verdict: 'damaged' });
    expect(await made.verifier.status(TRAIL)).toMatchObject({ failures: 1, report: { verdict: 'ok' } });
    expect((await recorded(made)).at(-1)).toMatchObject({
      type: 'security.verification_failed',
      severity: 'critical',
      details: { mode: 'range', problems: [{ kind: 'malformed_block', seq: 300 }] },
    });
  });
});

/** Damage, and a range that touches it. */
const DAMAGE: Record<
  string,
  { do: (made: World) => Promise<void>; range: { from: number; to: number }; kinds: string[] }
> = {
  'a block that was removed': {
    do: ({ table }) => edit(table, block(300), () => undefined),
    range: { from: 350, to: 360 },
    kinds: ['missing_records'],
  },
  'the newest block removed': {
    do: ({ table }) => edit(table, block(600), () => undefined),
    range: { from: 690, to: 700 },
    kinds: ['missing_records'],
  },
  'the only checkpoint near, by another key': {
    do: async ({ table }) => {
      const note = await forge(new MemorySigner(), 400);
      await edit(table, checkpointKey(TRAIL, 400), () => ({ note }));
    },
    range: { from: 350, to: 360 },
    kinds: ['bad_signature'],
  },
  'a checkpoint of another tree, by the log’s own key': {
    do: async ({ table }) => {
      const note = await forge(signer, 400);
      await edit(table, checkpointKey(TRAIL, 400), () => ({ note }));
    },
    range: { from: 350, to: 360 },
    kinds: ['root_mismatch'],
  },
  'a tile that was removed': {
    do: ({ dir }) => rm(join(dir, 'archive', TRAIL, 'tile/0/001'), { force: true }),
    range: { from: 350, to: 360 },
    kinds: ['missing_tile'],
  },
  'a flipped bit in a tile, of a record of the range': {
    do: (made) => overwrite(made, `${TRAIL}/tile/0/001`, (bytes) => flipped(bytes, 32 * 99)),
    range: { from: 355, to: 356 },
    kinds: ['tile_mismatch'],
  },
  'another archived checkpoint': {
    do: async (made) => made.objects.replace(`${TRAIL}/checkpoints/350`, Buffer.from('one more')),
    range: { from: 340, to: 360 },
    kinds: ['missing_checkpoint'],
  },
  'the hashes of the tree before it': {
    do: ({ table }) => edit(table, openTileKey(TRAIL, 1), ({ attributes: a }) => ({ ...a, hashes: flipped(a.hashes) })),
    range: { from: 350, to: 360 },
    kinds: ['root_mismatch'],
  },
  'the hashes of the tree before it, which are gone': {
    do: async ({ table }) => {
      await edit(table, openTileKey(TRAIL, 1), () => undefined);
      await edit(table, block(0), () => undefined);
    },
    range: { from: 350, to: 360 },
    kinds: ['unreadable_tree'],
  },
  'a history written anew, but not signed': {
    do: async (made) => {
      const forged = await world();
      for (let n = 0; n < 7; n++) await append(forged, 100);
      for (const partition of [`block/${TRAIL}`, `head/${TRAIL}`]) {
        for await (const item of forged.table.query({ partition })) await made.table.transact([{ put: item }]);
      }
    },
    range: { from: 350, to: 360 },
    kinds: ['root_mismatch', 'tile_mismatch'],
  },
  'a history cut off before it': {
    do: async (made) => {
      const forged = await world();
      for (let n = 0; n < 3; n++) await append(forged, 100);
      for await (const item of forged.table.query({ partition: `head/${TRAIL}` })) {
        await made.table.transact([{ put: item }]);
      }
    },
    range: { from: 350, to: 360 },
    kinds: ['rolled_back', 'head_mismatch', 'missing_checkpoint'],
  },
  'a head that was removed': {
    do: ({ table }) => edit(table, headKey(TRAIL), () => undefined),
    range: { from: 350, to: 360 },
    kinds: ['rolled_back'],
  },
  'what the verifier remembers': {
    do: async ({ table, verifier }) => {
      await verifier.verify(TRAIL);
      await edit(table, watermarkKey(TRAIL, 'verifier'), ({ attributes: a }) => ({ ...a, frontier: 'none' }));
    },
    range: { from: 350, to: 360 },
    kinds: ['watermark_damaged'],
  },
};

describe('damage within a range', () => {
  it.each(Object.entries(DAMAGE))('is found: %s', async (_, { do: damage, range, kinds: expected }) => {
    const made = await archived();
    await damage(made);
    const report = await made.verifier.verify(TRAIL, range);
    expect(report).toMatchObject({ verdict: 'damaged', range });
    expect(kinds(report)).toEqual(expected);
  });

  it('is found, wherever a block or a checkpoint of it was changed', async () => {
    const made = await archived();
    const places: Item[] = [];
    for (const kind of ['block', 'checkpoint']) {
      for await (const item of made.table.query({ partition: `${kind}/${TRAIL}` })) places.push(item);
    }
    const seqs = fc.nat(99);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), seqs, seqs, fc.nat(), async (item, a, b, at) => {
        // The records of the block, or those under the checkpoint that came with it.
        const first = item.partition.startsWith('block') ? Number(item.sort) : Number(item.sort) - 100;
        const range = { from: first + Math.min(a, b), to: first + Math.max(a, b) + 1 };
        const { body, note } = item.attributes;
        // The last bytes of a note are its signature; of a body, past its header, none is without meaning here.
        const changed =
          body instanceof Uint8Array
            ? { body: flipped(body, 8 + (at % (body.length - 16))) }
            : { note: String(note).replace(/[^\n](?=[^\n]{20}={0,2}\n$)/, (c) => (c === 'A' ? 'B' : 'A')) };
        await made.table.transact([{ put: { ...item, attributes: { ...item.attributes, ...changed } } }]);
        const report = await made.verifier.verify(TRAIL, range);
        await made.table.transact([{ put: item }]);
        expect(report.verdict, `${item.partition}/${item.sort}, ${JSON.stringify(range)}`).toBe('damaged');
      }),
      runs(20),
    );
    expect(await made.verifier.verify(TRAIL, { from: 0, to: 700 })).toMatchObject({ verdict: 'ok' });
  });
});

describe('a range that cannot be', () => {
  it.each([
    [{ from: 5, to: 5 }, 'from', 'from: must be below `to`, which is exclusive'],
    [{ from: 6, to: 5 }, 'from', 'from: must be below `to`, which is exclusive'],
    [{ to: 0 }, 'to', 'to: must be above 0: it is exclusive'],
    [{ from: 0, to: 701 }, 'to', 'to: must not be above 700, the trail’s size'],
    [{ from: 700 }, 'from', 'from: must be below 700, the trail’s size'],
  ])('is refused: %j', async (range, field, message) => {
    const made = await archived();
    await expect(made.verifier.verify(TRAIL, range)).rejects.toMatchObject({
      code: 'invalid_parameter',
      field,
      message,
    });
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 0 });
    expect(await made.ledger.head('_system')).toBeUndefined();
  });

  it('is refused where there is no trail', async () => {
    const made = await world();
    await expect(made.verifier.verify('nowhere', { from: 1 })).rejects.toMatchObject({
      code: 'not_found',
      message: 'there is no trail nowhere',
    });
  });

  it('is one too many at once, unless it is under way already', async () => {
    const made = await archived();
    const running = [1, 2, 3, 4].map((to) => made.verifier.verify(TRAIL, { from: 0, to }));
    await expect(made.verifier.verify(TRAIL, { from: 0, to: 5 })).rejects.toMatchObject({
      code: 'rate_limited',
      message: '4 ranges are being verified already: try again',
      retryAfter: 5,
    });
    expect(made.verifier.verify(TRAIL, { from: 0, to: 4 })).toBe(running[3]);
    await Promise.all(running);
    expect(await made.verifier.verify(TRAIL, { from: 0, to: 5 })).toMatchObject({ verdict: 'ok' });
  });
});
