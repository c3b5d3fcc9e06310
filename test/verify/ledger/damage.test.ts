import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VerificationRequest } from '../../../lib/contract/verification.ts';
import { checkpointKey, headKey, watermarkKey } from '../../../lib/ledger/items/layout.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { signer, TRAIL } from '../../ledger/fixture.ts';
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

/** Whatever is changed in the tables and objects behind the log's back is found, each with its kind. */

const tile = `${TRAIL}/tile/0/001`;
const DAMAGE: Record<string, { do: (made: World) => Promise<void>; kinds: string[]; seq?: number }> = {
  'a flipped bit in a block': {
    do: ({ table }) => edit(table, block(300), ({ attributes: a }) => ({ ...a, body: flipped(a.body, 20) })),
    kinds: ['malformed_block'],
    seq: 300,
  },
  'another submitter in a block': {
    do: ({ table }) =>
      edit(table, block(300), ({ attributes: a }) => ({ ...a, submitters: Buffer.from('[["mallory",100]]') })),
    kinds: ['malformed_block'],
    seq: 300,
  },
  'a block that was removed': {
    do: ({ table }) => edit(table, block(200), () => undefined),
    kinds: ['missing_records'],
    seq: 200,
  },
  'the newest block removed': {
    do: ({ table }) => edit(table, block(600), () => undefined),
    kinds: ['missing_records'],
    seq: 600,
  },
  'a block under another number': {
    do: async ({ table }) => {
      const item = await table.get(block(200));
      if (item !== undefined) await table.transact([{ put: { ...item, ...block(250) } }]);
    },
    kinds: ['malformed_block'],
    seq: 250,
  },
  'a time that goes back': {
    do: ({ table }) => edit(table, block(300), ({ attributes: a }) => ({ ...a, receivedAt: 1 })),
    kinds: ['malformed_block'],
    seq: 300,
  },
  'a head with another root': {
    do: ({ table }) => edit(table, headKey(TRAIL), ({ attributes: a }) => ({ ...a, root: flipped(a.root) })),
    kinds: ['head_mismatch'],
    seq: 700,
  },
  'a head with another frontier': {
    do: ({ table }) => edit(table, headKey(TRAIL), ({ attributes: a }) => ({ ...a, frontier: flipped(a.frontier) })),
    kinds: ['head_mismatch'],
    seq: 700,
  },
  'a head that is not readable': {
    do: ({ table }) => edit(table, headKey(TRAIL), ({ attributes: a }) => ({ ...a, root: 'gone' })),
    kinds: ['head_mismatch', 'rolled_back'],
  },
  'a head that was removed': {
    do: ({ table }) => edit(table, headKey(TRAIL), () => undefined),
    kinds: ['rolled_back'],
    seq: 0,
  },
  'a checkpoint of another trail': {
    do: async (made) => {
      await append(made, 100, 'other');
      const other = await made.ledger.exactCheckpoint('other', 100);
      await edit(made.table, checkpointKey(TRAIL, 100), () => ({ note: other?.note ?? '' }));
    },
    kinds: ['wrong_origin'],
    seq: 100,
  },
  'a checkpoint at another size': {
    do: async ({ table, ledger }) => {
      const other = await ledger.exactCheckpoint(TRAIL, 200);
      await edit(table, checkpointKey(TRAIL, 100), () => ({ note: other?.note ?? '' }));
    },
    kinds: ['misplaced_checkpoint'],
    seq: 100,
  },
  'a checkpoint by another key': {
    do: async ({ table }) => {
      const note = await forge(new MemorySigner(), 100);
      await edit(table, checkpointKey(TRAIL, 100), () => ({ note }));
    },
    kinds: ['bad_signature'],
    seq: 100,
  },
  'a checkpoint of another tree, by the log’s own key': {
    do: async ({ table }) => {
      const note = await forge(signer, 100);
      await edit(table, checkpointKey(TRAIL, 100), () => ({ note }));
    },
    kinds: ['root_mismatch'],
    seq: 100,
  },
  'a history written anew, but not signed': {
    do: async (made) => {
      const forged = await world();
      for (let n = 0; n < 7; n++) await append(forged, 100);
      for (const partition of [`block/${TRAIL}`, `head/${TRAIL}`]) {
        for await (const item of forged.table.query({ partition })) await made.table.transact([{ put: item }]);
      }
    },
    kinds: ['root_mismatch', 'tile_mismatch'],
    seq: 100,
  },
  'a history cut off': {
    do: async (made) => {
      const forged = await world();
      for (let n = 0; n < 3; n++) await append(forged, 100);
      for await (const item of forged.table.query({ partition: `head/${TRAIL}` })) {
        await made.table.transact([{ put: item }]);
      }
    },
    kinds: ['rolled_back', 'head_mismatch', 'missing_checkpoint'],
    seq: 300,
  },
  'a tile that was removed': {
    do: ({ dir }) => rm(join(dir, 'archive', tile), { force: true }),
    kinds: ['missing_tile'],
    seq: 256,
  },
  'a checkpoint removed from the archive': {
    do: ({ dir }) => rm(join(dir, 'archive', TRAIL, 'checkpoints/700')),
    kinds: ['missing_checkpoint'],
    seq: 700,
  },
  'a checkpoint that is none': {
    do: ({ table }) => edit(table, checkpointKey(TRAIL, 100), () => ({ note: 'ok' })),
    kinds: ['malformed_checkpoint'],
    seq: 100,
  },
  'a checkpoint without a note': {
    do: ({ table }) => edit(table, checkpointKey(TRAIL, 100), () => ({ size: 1 })),
    kinds: ['malformed_checkpoint'],
    seq: 100,
  },
  'an archived checkpoint removed from the ledger': {
    do: ({ table }) => edit(table, checkpointKey(TRAIL, 700), () => undefined),
    kinds: ['missing_checkpoint'],
    seq: 700,
  },
  'the archiver’s watermark': {
    do: ({ table }) => edit(table, watermarkKey(TRAIL, 'archiver'), ({ attributes: a }) => ({ ...a, plan: '?' })),
    kinds: ['watermark_damaged'],
  },
  'a flipped bit in a tile': {
    do: (made) => overwrite(made, tile, (bytes) => flipped(bytes, 32 * 9)),
    kinds: ['tile_mismatch'],
    seq: 265,
  },
  'a truncated tile': {
    do: (made) => overwrite(made, tile, (bytes) => bytes.subarray(1)),
    kinds: ['malformed_tile'],
    seq: 256,
  },
  'another archived checkpoint': {
    do: async (made) => {
      const other = await made.ledger.exactCheckpoint(TRAIL, 600);
      await made.objects.replace(`${TRAIL}/checkpoints/700`, Buffer.from(other?.note ?? ''));
    },
    kinds: ['checkpoint_mismatch'],
    seq: 700,
  },
  'an archived checkpoint that was never signed': {
    do: async (made) => made.objects.replace(`${TRAIL}/checkpoints/650`, Buffer.from('one more')),
    kinds: ['missing_checkpoint'],
    seq: 650,
  },
  'an object among the checkpoints that is none': {
    do: async (made) => made.objects.replace(`${TRAIL}/checkpoints/0700`, Buffer.from('')),
    kinds: ['unknown_object'],
  },
};

describe('damage behind the log’s back', () => {
  it.each(Object.entries(DAMAGE))('is found: %s', async (_, damage) => {
    const made = await archived();
    await damage.do(made);
    const report = await made.verifier.verify(TRAIL, 'full');
    expect(report.verdict).toBe('damaged');
    expect(kinds(report)).toEqual(damage.kinds);
    expect(report.problems[0]?.seq).toBe(damage.seq);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 1, failures: 1, lastOkAt: 0 });
    const told = await recorded(made);
    expect(told).toMatchObject([{ type: 'security.verification_failed', severity: 'critical', outcome: 'failure' }]);
  });

  it('is found again by the next one: the place it begins at stays', async () => {
    const made = await archived();
    await made.verifier.verify(TRAIL);
    await append(made, 100);
    await edit(made.table, block(700), ({ attributes: a }) => ({ ...a, body: flipped(a.body, 20) }));
    for (let n = 0; n < 2; n++) {
      expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'damaged', from: 700, to: 800 });
    }
  });

  it.each<[string, VerificationRequest]>([
    ['a full one', 'full'],
    ['one of a range', { from: 310, to: 320 }],
  ])(
    'is not forgotten when %s has found it where the next does not look, until a full one finds it gone',
    async (_, how) => {
      const made = await archived();
      await made.verifier.verify(TRAIL);
      const lastOkAt = made.clock;
      const whole = await made.table.get(block(300));
      await edit(made.table, block(300), () => undefined);
      made.clock += 60_000;
      const damagedAt = made.clock;
      await made.verifier.verify(TRAIL, how);
      for (let hour = 1; hour < 3; hour++) {
        made.clock += 3_600_000;
        await expect(made.verifier.run(TRAIL)).rejects.toMatchObject({
          code: 'store_corrupt',
          message: `verification of trail ${TRAIL} found damage at ${new Date(damagedAt).toISOString()}, and no full one has found it gone since`,
        });
        const { report, ...figures } = await made.verifier.status(TRAIL);
        expect(figures).toMatchObject({ failures: 1, lastOkAt, damagedAt, secondsSinceOk: 60 + hour * 3600 });
        expect(report).toMatchObject({ verdict: 'ok', from: 700 });
        expect(report?.notLookedAt[0]).toMatch(
          /^records 0 to 699 of the ledger, in which one of \S+Z found damage, and no/,
        );
      }
      if (whole !== undefined) await made.table.transact([{ put: whole }]);
      expect(await made.verifier.verify(TRAIL, { from: 310, to: 320 })).toMatchObject({ verdict: 'ok' });
      expect(await made.verifier.status(TRAIL)).toMatchObject({ damagedAt });
      expect(await made.verifier.verify(TRAIL, 'full')).toMatchObject({ verdict: 'ok' });
      const { damagedAt: left, secondsSinceOk } = await made.verifier.status(TRAIL);
      expect([left, secondsSinceOk]).toEqual([undefined, 0]);
      await made.verifier.run(TRAIL, { force: true });
    },
  );
});
