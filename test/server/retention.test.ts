import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parseQuery } from '../../lib/api/routes/query-parameters.ts';
import { readExpiryState } from '../../lib/followers/expiry/expiry-state.ts';
import { Ledger } from '../../lib/ledger/ledger.ts';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { KeyFileSigner } from '../../lib/store/keyfile/signer.ts';
import { SqliteTable } from '../../lib/store/sqlite/table.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** Nothing leaves the hot store unless `config.json` says so; then old blocks go, and every record is still answered. */

const event = (n: number) => ({ id: `e-${n}`, json: `{"id":"e-${n}","severity":"info","type":"auth.login"}` });
const DAY = 86_400_000;

/** 300 records of a month ago: 256 of them in one full bundle, and a block each. */
async function oldFolder(): Promise<string> {
  const dir = join(await temporaryFolder(), 'data');
  await (await openEmbedded(dir, { logName: 'sealtrail.local' })).close();
  const table = await SqliteTable.open(join(dir, 'sealtrail.db'));
  const signers = [await KeyFileSigner.open(join(dir, 'signing-key.pem'))];
  const ledger = new Ledger({ table, signers, logName: 'sealtrail.local', now: () => Date.now() - 30 * DAY });
  for (let n = 0; n < 300; n += 4) {
    const events = Array.from({ length: 4 }, (_, at) => event(n + at));
    await ledger.append({ trail: 'orders', submitter: 'test', events });
  }
  await ledger.close();
  await table.close();
  return dir;
}

async function configure(dir: string, retention: unknown): Promise<void> {
  const file = join(dir, 'config.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), retention }));
}

async function sources(dir: string): Promise<unknown> {
  const log = await openEmbedded(dir, { archiveDelayMs: 0 });
  try {
    const query = parseQuery(new URLSearchParams('type=auth.login&limit=1000'));
    await expect.poll(async () => (await log.archiver.status('orders')).archived).toBe(300);
    const page = await log.queries.page('orders', query);
    expect(page.matches.map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, n) => 299 - n));
    return page.sources;
  } finally {
    await log.close();
  }
}

it('keeps blocks for ever where nothing is configured', async () => {
  const dir = await oldFolder();
  await sources(dir);
  expect(await sources(dir)).toEqual({ hot: 300, archive: 0 });
  const table = await SqliteTable.open(join(dir, 'sealtrail.db'));
  onTestFinished(() => table.close());
  expect(await readExpiryState(table, 'orders')).toMatchObject({ size: 0, eras: [] });
});

it('removes what has had its days and answers it from the archive', async () => {
  const dir = await oldFolder();
  await configure(dir, { default: { hotDays: 'forever' }, trails: [{ trail: 'ord*', hotDays: 7 }] });
  await expect.poll(() => sources(dir), { timeout: 20_000 }).toEqual({ hot: 44, archive: 256 });
}, 30_000);

it.each([
  [{ default: { hotDays: 2 } }, 'retention.default.hotDays'],
  [{ trails: [{ trail: 'orders', hotDays: 'long' }] }, 'retention.trails[0].hotDays'],
  [{ default: { archiveDays: 30 } }, 'retention.default'],
])('refuses %j, naming the field', async (retention, field) => {
  const dir = join(await temporaryFolder(), 'data');
  await (await openEmbedded(dir)).close();
  await configure(dir, retention);
  await expect(openEmbedded(dir)).rejects.toMatchObject({ code: 'invalid_parameter', field });
});
