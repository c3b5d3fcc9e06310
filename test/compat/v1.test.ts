import { chmod, cp, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DIMENSIONS, type Dimension } from '../../lib/contract/dimensions.ts';
import { COUNTED } from '../../lib/contract/summary.ts';
import { toHex } from '../../lib/log/encoding.ts';
import { type Embedded, openEmbedded } from '../../lib/server/embedded.ts';
import { FolderObjects } from '../../lib/store/folder/objects.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { ask, type PlainRecord, valuesOf } from '../query/fixture.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** The promise of test/vectors/v1/README.md: what version 1 wrote is opened, queried, extended and found right for good. */

const VECTORS = resolve(import.meta.dirname, '../vectors/v1');
/** Secrets and keys, which git does not keep private. */
const SECRET = ['credentials', 'signing-key.pem', 'signing-key-next.pem', 'sealtrail.db'];

interface Frozen {
  readonly dir: string;
  readonly heads: Readonly<Record<string, { readonly size: number; readonly root: string }>>;
  readonly trust: string;
}

/** A copy that a test may write to. */
async function thaw(): Promise<Frozen> {
  const dir = join(await temporaryFolder(), 'data');
  await cp(join(VECTORS, 'data'), dir, { recursive: true });
  await chmod(dir, 0o700);
  for (const file of SECRET) await chmod(join(dir, file), 0o600);
  const heads = JSON.parse(await readFile(join(VECTORS, 'heads.json'), 'utf8'));
  return { dir, heads, trust: await readFile(join(VECTORS, 'trust.txt'), 'utf8') };
}

async function withLog<T>({ dir }: Frozen, run: (log: Embedded) => Promise<T>): Promise<T> {
  const wrong: unknown[] = [];
  const log = await openEmbedded(dir, { onError: (error) => wrong.push(error) });
  try {
    return await run(log);
  } finally {
    await log.close();
    expect(wrong).toEqual([]);
  }
}

async function verify({ dir, trust }: Frozen, more = '') {
  const objects = await FolderObjects.open(join(dir, 'archive'));
  try {
    return await verifyArchive(objects, { trust: parseTrustedKeys(trust + more) });
  } finally {
    await objects.close();
  }
}

/** Every record of a trail, by number, as its line. */
async function linesOf({ ledger }: Embedded, trail: string): Promise<string[]> {
  const blocks = await Array.fromAsync(ledger.blocks(trail, { from: 0, to: Number.MAX_SAFE_INTEGER }));
  return blocks.flatMap(({ lines }) => lines);
}

/** The values of each dimension with the records that have them. */
function byValue(lines: readonly string[], dimension: Dimension): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const line of lines) {
    const record: PlainRecord = JSON.parse(line);
    for (const value of new Set(valuesOf(record, dimension))) {
      if (value !== undefined) found.set(value, [...(found.get(value) ?? []), record.seq]);
    }
  }
  return found;
}

describe('an archive of version 1', () => {
  it('is found right, in every trail, with each key for what it signed', async () => {
    const frozen = await thaw();
    const { verdict, problems, trails } = await verify(frozen);
    expect(problems).toEqual([]);
    expect(verdict).toBe('ok');
    const sealed = Object.fromEntries(trails.map(({ trail, covered }) => [trail, covered.to]));
    expect(trails.find(({ trail }) => trail === 'orders')?.producers).toMatchObject({ producers: 2, numbered: 305 });
    expect(sealed).toMatchObject({ late: 5, orders: 305, payments: 28 });
  });
});

describe('a data folder of version 1', () => {
  it('has the heads that were committed, and every record under them', async () => {
    const frozen = await thaw();
    await withLog(frozen, async (log) => {
      for (const [trail, { size, root }] of Object.entries(frozen.heads)) {
        const head = await log.ledger.head(trail);
        expect([trail, head?.size, toHex(head?.root ?? new Uint8Array())]).toEqual([trail, size, root]);
        expect((await linesOf(log, trail)).length).toBe(size);
      }
    });
  });

  it('answers a query for every value of every dimension as a scan of its records does', async () => {
    await withLog(await thaw(), async (log) => {
      const lines = await linesOf(log, 'orders');
      // A dimension that came later may have no value in these records.
      const values = DIMENSIONS.map((dimension) => [dimension, byValue(lines, dimension)] as const);
      expect(values.filter(([, found]) => found.size > 0).length).toBeGreaterThanOrEqual(18);
      for (const [dimension, expected] of values) {
        for (const [value, seqs] of [...expected].slice(0, 12)) {
          const { matches } = await log.queries.page('orders', ask({ [dimension]: [value] }, { limit: 1000 }));
          expect([dimension, value, matches.map(({ seq }) => seq).reverse()]).toEqual([dimension, value, seqs]);
        }
      }
    });
  });

  it('is counted as a recount does', async () => {
    await withLog(await thaw(), async (log) => {
      const lines = await linesOf(log, 'orders');
      const { total, by } = await log.queries.summary('orders', { top: 100 });
      expect(total).toBe(lines.length);
      for (const dimension of COUNTED) {
        const counted = Object.fromEntries(by[dimension].values.map(({ value, count }) => [value, count]));
        const recount = [...byValue(lines, dimension)].map(([value, seqs]) => [value, seqs.length]);
        expect(counted).toEqual(Object.fromEntries(recount));
      }
    });
  });

  it('knows its legal hold and its keys', async () => {
    await withLog(await thaw(), async (log) => {
      expect(await log.legalHolds.status('payments')).toMatchObject({ held: true, reason: 'Case 7', by: 'counsel' });
      expect(log.folder.retired).toHaveLength(1);
      expect(log.folder.signers.map(({ algorithm }) => algorithm)).toEqual(['ecdsa-p256', 'ed25519']);
    });
  });

  it('is verified, grows, is sealed and verified again, as ledger and as archive', async () => {
    const frozen = await thaw();
    const trails = Object.keys(frozen.heads);
    const vkeys = ['\n'];
    await withLog(frozen, async (log) => {
      for (const trail of trails) expect((await log.verifier.verify(trail, 'full')).problems).toEqual([]);
      for (const trail of trails) {
        const event = { id: `new-${trail}`, json: `{"id":"new-${trail}","severity":"info","type":"auth.login"}` };
        const receipt = await log.ledger.append({ trail, submitter: 'later', events: [event] });
        expect(receipt.first).toBeGreaterThanOrEqual(frozen.heads[trail]?.size ?? 0);
        const { matches } = await log.queries.page(trail, ask({ id: [event.id] }));
        expect(matches).toHaveLength(1);
        await log.archiver.seal(trail);
        expect((await log.verifier.verify(trail, 'full')).problems).toEqual([]);
      }
      for (const trail of ['_index', '_system']) await log.archiver.seal(trail);
      for (const { vkey } of await log.ledger.verifiers('_index')) vkeys.push(vkey);
    });
    // The index, which version 1 kept elsewhere, has a trail of its own now.
    const { verdict, problems } = await verify(frozen, vkeys.join('\n'));
    expect(problems).toEqual([]);
    expect(verdict).toBe('ok');
  });
});

describe('the frozen folder', () => {
  it('is whole: git and tools left every object of the archive alone', async () => {
    const files = await readdir(join(VECTORS, 'data/archive'), { recursive: true });
    expect(files.filter((file) => file.endsWith('.jsonl.gz'))).toHaveLength(15);
  });
});
