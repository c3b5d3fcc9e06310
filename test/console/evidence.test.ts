import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderObjects } from '../../lib/store/folder/objects.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { filesOf, given, pageVerification } from './bundle.ts';
import { type Exhibits, exhibits } from './exhibits.ts';

/** Evidence mode: what the page's own bundle says of files that someone holds, with nothing of Node in it. */

const V1 = resolve(import.meta.dirname, '../vectors/v1');
const page = await pageVerification();
const made = await exhibits();
const KINDS = ['archive', 'proof', 'growth', 'answer', 'receipts', 'export'] as const;

async function judge(files: ReadonlyMap<string, Uint8Array>, keys = made.keys) {
  const { exhibits: found } = await page.sortFiles(given(files));
  const [exhibit] = found;
  if (exhibit === undefined || found.length > 1) throw new RangeError(`${found.length} exhibits`);
  return page.judge(exhibit, { trust: page.parseTrustedKeys(keys) });
}

describe('evidence that is given to the page', () => {
  it.each(KINDS)('is sorted and checked by what it holds: %s', async (kind) => {
    const judged = await judge(made[kind]);
    expect(judged, JSON.stringify(judged.report?.problems)).toMatchObject({ kind, state: 'checked' });
  });

  it.each(KINDS)('is never green without a key, or with that of another log: %s', async (kind) => {
    const other = await readFile(`${V1}/trust.txt`, 'utf8');
    expect((await judge(made[kind], other)).state).not.toBe('checked');
    const { exhibits: found } = await page.sortFiles(given(made[kind]));
    for (const exhibit of found) expect((await page.judge(exhibit, { trust: [] })).state).toBe('unreadable');
  });

  it('ends for an archive in the report of the command line, of every key and format that version 1 wrote', async () => {
    const keys = await readFile(`${V1}/trust.txt`, 'utf8');
    const judged = await judge(await filesOf(`${V1}/data/archive`, 'archive/'), keys);
    const objects = await FolderObjects.openReadOnly(`${V1}/data/archive`);
    const report = await verifyArchive(objects, { trust: parseTrustedKeys(keys) });
    const { skipped = [] } = judged.report ?? {};
    // A checkout has no hard links: the command line, which looks for them, says so, and the page compares bytes.
    const alike = { startedAt: 0, finishedAt: 0, source: '', skipped };
    expect(report.skipped).toEqual(expect.arrayContaining([...skipped]));
    expect({ ...judged.report, ...alike }).toEqual({ ...report, ...alike });
  });

  it('trusts no key from within an archive: whoever forges it forges them', async () => {
    const { keys } = await page.sortFiles(given(made.archive));
    expect(keys).toEqual([]);
  });

  it('names what is missing beside it', async () => {
    const alone = new Map([...made.proof].filter(([name]) => name.endsWith('.tlog-proof')));
    expect(await judge(alone)).toMatchObject({
      state: 'unreadable',
      sentence: expect.stringContaining('.record.json'),
    });
    const manifest = new Map([...made.export].filter(([name]) => name.endsWith('.json')));
    expect(await judge(manifest)).toMatchObject({ state: 'unreadable' });
    const text = new Map([['notes.txt', Buffer.from('hello')]]);
    expect(await judge(text)).toMatchObject({ kind: 'unknown', state: 'unreadable' });
  });
});

/** How many bytes are changed, one at a time. `npm run test:console` changes 1,000. */
const FLIPS = Number(process.env.SEALTRAIL_FLIPS ?? 60);

/** A byte of a file, changed: which kind, which file, where, and what it was changed by. */
function* flips(count: number): Generator<{ readonly kind: (typeof KINDS)[number]; readonly seed: number }> {
  for (let n = 0; n < count; n++) {
    // Half of them in archives, which have the most bytes.
    const kind = n % 2 === 0 ? 'archive' : (KINDS[1 + ((n >> 1) % (KINDS.length - 1))] ?? 'proof');
    yield { kind, seed: (n * 2_654_435_761) >>> 0 };
  }
}

function flipped(files: Exhibits['archive'], seed: number) {
  const whole = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  let place = Math.floor((seed / 2 ** 32) * whole);
  for (const [name, bytes] of files) {
    if (place < bytes.length) {
      const changed = Uint8Array.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ (1 + (seed % 255));
      return {
        name,
        place,
        files: new Map([...files, [name, changed]]),
        is: changed[place] ?? 0,
        was: bytes[place] ?? 0,
      };
    }
    place -= bytes.length;
  }
  throw new RangeError('beyond the end');
}

const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

describe('a byte that was changed', () => {
  it(`leaves nothing green, wherever it is, ${FLIPS} times`, async () => {
    const green: string[] = [];
    for (const { kind, seed } of flips(FLIPS)) {
      const { name, place, files, is, was } = flipped(made[kind], seed);
      // White space between documents says nothing, whichever it is.
      if (SPACE.has(is) && SPACE.has(was)) continue;
      const { exhibits: found } = await page.sortFiles(given(files));
      const judged = await Promise.all(
        found.map((one) => page.judge(one, { trust: page.parseTrustedKeys(made.keys) })),
      );
      if (judged.every(({ state }) => state === 'checked')) green.push(`${kind} ${name} at ${place}: ${was} to ${is}`);
    }
    expect(green).toEqual([]);
  });
});
