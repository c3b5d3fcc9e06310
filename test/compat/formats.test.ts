import { hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { ExportJobs } from '../../lib/export/export-job.ts';
import { dueProducers, readProducer } from '../../lib/followers/producers/producer-state.ts';
import { DueList } from '../../lib/followers/runtime/due-list.ts';
import { FullPass } from '../../lib/followers/runtime/full-pass.ts';
import { retiredKeys } from '../../lib/keys/retired-keys.ts';
import { readHead } from '../../lib/ledger/commit.ts';
import { cursorSecret } from '../../lib/ledger/items/deployment-secret.ts';
import { readOpenTile } from '../../lib/ledger/items/edge-tile.ts';
import {
  blockKey,
  blockPartKey,
  CURSOR_SECRET_KEY,
  checkpointKey,
  duePartition,
  exportKey,
  fullPassKey,
  headKey,
  idempotencyKey,
  openTileKey,
  PREFIX,
  producerDueKey,
  producerKey,
  retiredKeyKey,
  splitPartition,
  watermarkKey,
} from '../../lib/ledger/items/layout.ts';
import { readWatermark } from '../../lib/ledger/items/watermark.ts';
import { Ledger } from '../../lib/ledger/ledger.ts';
import { FIRST_LINK } from '../../lib/log/producer.ts';
import { writeRetiredKeys } from '../../lib/server/data-folder.ts';
import { openEmbedded } from '../../lib/server/embedded.ts';
import type { Key, Table } from '../../lib/store/ports.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { readMark, VERIFIER } from '../../lib/verify/ledger/verification-mark.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** The promise: everything that is stored names its format, and a format of a later version is refused by name, never misread. */

const TRAIL = 'orders';
const EVENTS = [{ id: 'e-1', json: '{"id":"e-1","severity":"info","type":"auth.login"}' }];
const REQUEST = { trail: TRAIL, submitter: 'shop', events: EVENTS, idempotency: { key: 'k', bodyHash: 'h' } };
const PRODUCER = { trail: TRAIL, id: 'shop-1', submitter: 'shop' };

const signer = new MemorySigner();
const fingerprint = hash('sha256', await signer.publicKey(), 'hex');
const ledgerOf = (table: Table) => new Ledger({ table, signers: [signer], logName: 'log.example' });

/** Reads the record of a block whose body goes on in a part. */
async function readParts(table: Table): Promise<unknown> {
  const block = await table.get(blockKey(TRAIL, 0));
  await table.transact([{ put: { ...blockKey(TRAIL, 0), attributes: { ...block?.attributes, parts: 2 } } }]);
  return ledgerOf(table).record(TRAIL, 0);
}

/** A kind of item, where one of it stands, and what reads it. */
const READERS: readonly (readonly [kind: string, key: Key, read: (table: Table) => Promise<unknown>])[] = [
  ['head', headKey(TRAIL), (table) => readHead(table, TRAIL)],
  ['block', blockKey(TRAIL, 0), (table) => ledgerOf(table).record(TRAIL, 0)],
  ['block part', blockPartKey(TRAIL, 0, 1), readParts],
  ['checkpoint', checkpointKey(TRAIL, 1), (table) => ledgerOf(table).checkpoint(TRAIL)],
  ['idempotency key', idempotencyKey(TRAIL, 'shop', 'k'), (table) => ledgerOf(table).append(REQUEST)],
  ['edge tile', openTileKey(TRAIL, 1), (table) => readOpenTile(table, TRAIL, 1)],
  ['watermark', watermarkKey(TRAIL, 'archiver'), (table) => readWatermark(table, TRAIL, 'archiver')],
  ['index state', watermarkKey(TRAIL, 'indexer'), (table) => readWatermark(table, TRAIL, 'indexer')],
  ['watermark', watermarkKey(TRAIL, VERIFIER), (table) => readMark(table, TRAIL)],
  ['producer', producerKey(TRAIL, 'shop-1', 'shop'), (table) => readProducer(table, PRODUCER)],
  ['export', exportKey(TRAIL, 'x'), (table) => new ExportJobs(table).get(TRAIL, 'x')],
  ['cursor secret', CURSOR_SECRET_KEY, cursorSecret],
  ['retired key', retiredKeyKey(fingerprint), (table) => retiredKeys(table, ledgerOf(table), [signer])],
  [
    'due trail',
    { partition: duePartition('follow', 0), sort: TRAIL },
    (table) => new DueList({ table, name: 'follow' }).all(),
  ],
  ['full pass', fullPassKey('follow'), (table) => new FullPass({ table, name: 'follow' }).claim('pass', 1)],
];

/** The newest format of what has changed since its first. */
const NEWEST: Readonly<Record<string, number>> = { 'retired key': 2, 'index state': 2 };

describe('an item of a later format', () => {
  it.each(READERS)('is refused by name: %s', async (kind, key, read) => {
    const table = new MemoryTable();
    await ledgerOf(table).append(REQUEST);
    const { attributes = {} } = (await table.get(key)) ?? {};
    const { [kind]: newest = 1 } = NEWEST;
    await table.transact([{ put: { ...key, attributes: { ...attributes, format: newest + 1 } } }]);
    const place = `${key.partition} ${key.sort}`;
    const message = `the ${kind} (${place}) was written by a newer version: it has format ${newest + 1}, and this version knows ${newest}`;
    await expect(read(table)).rejects.toMatchObject({ code: 'unavailable', message });
    await table.transact([{ put: { ...key, attributes: { ...attributes, format: 0 } } }]);
    // What only says where work waits, or which cursors are good, is written anew.
    if (['due trail', 'full pass', 'cursor secret'].includes(kind)) await read(table);
    else await expect(read(table)).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  it('is refused by name: due producer, of which a damaged one is known by its key', async () => {
    const table = new MemoryTable();
    const key = producerDueKey(TRAIL, 5, 'shop-1', 'shop');
    const put = (format: number) => table.transact([{ put: { ...key, attributes: { format } } }]);
    await put(2);
    const message = `the due producer (${key.partition} ${key.sort}) was written by a newer version: it has format 2, and this version knows 1`;
    await expect(dueProducers(table, TRAIL, 10, 1)).rejects.toMatchObject({ code: 'unavailable', message });
    await put(0);
    expect(await dueProducers(table, TRAIL, 10, 1)).toEqual([
      { producer: { trail: TRAIL, id: 'shop-1', submitter: 'shop' }, dueAt: 5 },
    ]);
  });

  it.each(['config.json', 'access.json', 'retired-keys.json'])('is refused by name: %s', async (name) => {
    const dir = join(await temporaryFolder(), 'data');
    await (await openEmbedded(dir)).close();
    const file = join(dir, name);
    if (name === 'retired-keys.json') await writeRetiredKeys(dir, []);
    const values = JSON.parse(await readFile(file, 'utf8'));
    expect(values.format).toBe(1);
    await writeFile(file, JSON.stringify({ ...values, format: 2, novelty: true }));
    const message = `the ${name} (${file}) was written by a newer version: it has format 2, and this version knows 1`;
    await expect(openEmbedded(dir)).rejects.toMatchObject({ code: 'unavailable', message });
    const { format, ...unnamed } = values;
    await writeFile(file, JSON.stringify(unnamed));
    await (await openEmbedded(dir)).close();
  });
});

describe('whatever a log stores', () => {
  it('names its format, but for the items of the index, for which their trail’s index state does', async () => {
    const dir = join(await temporaryFolder(), 'data');
    const log = await openEmbedded(dir, { gapGraceMs: 1 });
    const numbered = {
      id: 'p',
      json: `{"id":"p","producer":{"id":"shop-1","prev":"${FIRST_LINK}","seq":4},"severity":"info","type":"auth.login"}`,
    };
    await log.ledger.append({ ...REQUEST, events: [...EVENTS, numbered] });
    await log.legalHolds.set(TRAIL, { held: true, reason: 'Case 7', by: 'counsel' });
    await log.exports.request(TRAIL, { format: 'ndjson', compression: 'none', filters: {} }, { name: 'auditor' });
    await log.archiver.seal(TRAIL);
    await log.verifier.verify(TRAIL, 'full');
    await log.close();

    const database = new DatabaseSync(join(dir, 'sealtrail.db'));
    const rows = database.prepare('SELECT partition, sort, attributes FROM items').all();
    database.close();
    const index = ['postings', 'longPostings', 'counts'];
    const own = rows.filter(({ partition }) => !index.includes(splitPartition(String(partition))?.kind ?? ''));
    const unnamed = own.filter(({ attributes }) => !String(attributes).includes('"format"'));
    expect(unnamed.map(({ partition, sort }) => `${partition} ${sort}`)).toEqual([]);
    const kinds = new Set(own.map(({ partition }) => splitPartition(String(partition))?.kind ?? partition));
    // One process alone has no large blocks here and no line: test/ledger/line.test.ts looks at what that holds.
    const absent = [...index, 'blockPart', 'waiting', 'landing', 'turn'];
    const expected = ['trails', 'deployment', ...Object.keys(PREFIX).filter((kind) => !absent.includes(kind))];
    expect([...kinds].sort()).toEqual(expected.sort());
  });
});
