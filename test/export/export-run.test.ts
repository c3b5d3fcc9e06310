import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ExportSpec } from '../../lib/export/export-job.ts';
import { ExportWorker } from '../../lib/export/export-worker.ts';
import { Exports, type ExportsOptions } from '../../lib/export/exports.ts';
import { nodeReader } from '../../lib/ledger/tree/nodes.ts';
import { Queries } from '../../lib/query/queries.ts';
import { MemoryDownloads } from '../../lib/testing/memory/downloads.ts';
import { LOG_NAME, openLedger } from '../ledger/fixture.ts';
import { archivedHistory, expendable, expire } from '../query/archived-history.ts';
import { allRecords, append, MemoryTable, SECRET, START, TRAIL } from '../query/fixture.ts';
import { filesOf } from '../support/index-files.ts';

/** What is promised: an export is whole or not there, whatever happens to those who make it. */

const NDJSON: ExportSpec = { format: 'ndjson', compression: 'none', filters: {} };
const ASKER = { name: 'auditor' };
const RECORDS = 1200;
const MINUTE = 60_000;
const PATIENT = { timeout: 20_000, interval: 5 };

/** A trail of three blocks, which are two batches, and anyone who makes exports of it. */
async function world(table = new MemoryTable()) {
  for (let n = 0; n < RECORDS; n += 400) {
    await append(
      table,
      Array.from({ length: 400 }, (_, at) => ({ actor: { id: `a-${at % 3}` } })),
      START + n,
    );
  }
  await openLedger(table).seal(TRAIL);
  return { table, ...makerOf(table) };
}

/** One process that makes exports. */
function makerOf(table: MemoryTable, downloads = new MemoryDownloads(() => START), more: Partial<ExportsOptions> = {}) {
  const clock = { now: START + MINUTE };
  const started: string[] = [];
  const told: unknown[] = [];
  const ledger = openLedger(table);
  const exports = new Exports({
    ...{ table, ledger, downloads, logName: LOG_NAME },
    queries: new Queries({ table, files: filesOf(table), secret: SECRET }),
    nodes: (trail) => nodeReader({ table, ledger }, trail),
    start: async (_, id) => void started.push(id),
    onError: (error) => void told.push(error),
    now: () => clock.now,
    ...more,
  });
  return { exports, downloads, clock, started, told };
}

const linesOf = async (table: MemoryTable): Promise<string> =>
  (await allRecords(table)).map(({ line }) => `${line}\n`).join('');

/** The file of an export that is done, after a look at what its manifest says of it. */
async function fileOf(exports: Exports, downloads: MemoryDownloads, id: string): Promise<string> {
  const job = await exports.get(TRAIL, id);
  if (job?.manifest === undefined) throw new RangeError(`the export is ${job?.state}`);
  const file = downloads.follow((await exports.links(job))?.file ?? '')?.bytes ?? new Uint8Array(0);
  expect(job.manifest.file).toEqual({ bytes: file.length, sha256: createHash('sha256').update(file).digest('hex') });
  return Buffer.from(file).toString();
}

const keyed = (key: string) => ({ key, requestHash: 'ab' });

describe('an export', () => {
  it('is made once, however many are started for it', async () => {
    const { table, exports, downloads, started } = await world();
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    expect(started).toEqual([id]);
    await Promise.all([exports.run(TRAIL, id), exports.run(TRAIL, id), exports.run(TRAIL, id)]);
    await exports.run(TRAIL, id);
    expect([...downloads.files.keys()]).toEqual([`${TRAIL}/${id}/1/file`]);
    expect(await fileOf(exports, downloads, id)).toBe(await linesOf(table));
  });

  it('may begin before 1970, as some clients write "no time", and harms none after it', async () => {
    const { table, exports, downloads } = await world();
    const year1 = Date.parse('0001-01-01T00:00:00Z');
    const { id } = await exports.request(TRAIL, { ...NDJSON, from: year1 }, ASKER);
    await exports.run(TRAIL, id);
    expect(await fileOf(exports, downloads, id)).toBe(await linesOf(table));
    expect((await exports.get(TRAIL, id))?.manifest).toMatchObject({ from: year1 });
    const next = await exports.request(TRAIL, NDJSON, ASKER);
    await exports.run(TRAIL, next.id);
    expect(await fileOf(exports, downloads, next.id)).toBe(await linesOf(table));
  });

  it('holds what was acknowledged when it began, and nothing that comes while it is made', async () => {
    const { table, exports, downloads } = await world();
    const before = await linesOf(table);
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    const create = downloads.create.bind(downloads);
    downloads.create = async (key) => {
      await append(table, [{ actor: { id: 'late' } }], START + RECORDS);
      return create(key);
    };
    await exports.run(TRAIL, id);
    expect(await fileOf(exports, downloads, id)).toBe(before);
  });

  it('is of the same trail for who asks twice, and of no more than twenty that wait', async () => {
    const { exports } = await world();
    for (let n = 0; n < 20; n++) await exports.request(TRAIL, NDJSON, { ...ASKER, idempotency: keyed(`k-${n}`) });
    await exports.request(TRAIL, NDJSON, { ...ASKER, idempotency: keyed('k-7') });
    await expect(exports.request(TRAIL, NDJSON, ASKER)).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 30 });
  });

  it('is the same one for each session of a role, and says which of them asked for it', async () => {
    const { exports } = await world();
    const ask = (name: string) => exports.request(TRAIL, NDJSON, { name, idempotency: keyed('once') });
    const role = 'arn:aws:sts::123456789012:assumed-role/auditor';
    const first = await ask(`${role}/aws-sdk-js-session-1`);
    expect(first.requestedBy).toBe(`${role}/aws-sdk-js-session-1`);
    expect(await ask(`${role}/aws-sdk-js-session-2`)).toEqual(first);
    expect((await ask('arn:aws:sts::123456789012:assumed-role/analyst/s')).id).not.toBe(first.id);
  });
});

describe('anyone who makes it', () => {
  it.each([
    ['dies', 'cut_before'],
    ['dies when a call has taken effect', 'cut_after'],
    ['meets a failure', 'unpersisted'],
    ['loses an answer', 'persisted'],
  ] as const)('%s at any call to the downloads: the next one begins anew, and nothing is mixed', async (_, effect) => {
    const { table } = await world();
    const lines = await linesOf(table);
    // Create two files, write two batches, finish one: the lines of a whole log need no proof.
    for (let nth = 1; nth <= 5; nth++) {
      const first = makerOf(table);
      first.downloads.faults.add({ effect, nth });
      const { id } = await first.exports.request(TRAIL, NDJSON, ASKER);
      await first.exports.run(TRAIL, id).catch(() => undefined);
      expect(await first.exports.get(TRAIL, id)).toMatchObject({ state: 'queued', attempts: 1 });
      expect(first.told).toHaveLength(1);
      const next = makerOf(table);
      await next.exports.run(TRAIL, id);
      expect(await fileOf(next.exports, next.downloads, id)).toBe(lines);
      expect([...next.downloads.files.keys()]).toEqual([`${TRAIL}/${id}/2/file`]);
    }
  });

  it('is left alone for a minute after its last sign of life, and then another one takes over', async () => {
    const { table, exports, downloads, clock, started } = await world();
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    const gate = Promise.withResolvers<void>();
    downloads.faults.add({ effect: gate.promise, matching: ({ operation }) => operation === 'finish' });
    const slow = exports.run(TRAIL, id);
    await expect.poll(async () => downloads.faults.calls.at(-1)?.operation, PATIENT).toBe('finish');
    const other = makerOf(table);
    other.clock.now = clock.now + MINUTE - 1;
    await other.exports.run(TRAIL, id);
    expect(other.downloads.files.size).toBe(0);
    // Anyone who looks at it after that has it started again.
    clock.now += MINUTE + 1;
    await exports.get(TRAIL, id);
    expect(started).toEqual([id, id]);
    other.clock.now = clock.now;
    await other.exports.run(TRAIL, id);
    gate.resolve();
    await slow;
    expect(await fileOf(other.exports, other.downloads, id)).toBe(await linesOf(table));
    expect(await exports.get(TRAIL, id)).toMatchObject({ state: 'done', attempts: 2 });
  });

  it('gives up after three tries that failed, and says why', async () => {
    const { exports, downloads, told } = await world();
    downloads.faults.add({ effect: 'unpersisted', times: 99 });
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    for (let tries = 1; tries < 3; tries++) {
      await expect(exports.run(TRAIL, id)).rejects.toMatchObject({ code: 'unavailable' });
    }
    await exports.run(TRAIL, id);
    expect(await exports.get(TRAIL, id)).toMatchObject({ state: 'failed', error: { code: 'unavailable' } });
    expect(told).toHaveLength(3);
  });

  it('is not tried again for ever where three of them were never heard of again', async () => {
    const { table, exports } = await world();
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    for (let tries = 1; tries <= 3; tries++) {
      const dying = makerOf(table.restarted());
      dying.downloads.faults.add({ effect: Promise.withResolvers().promise });
      void dying.exports.run(TRAIL, id, { takeOver: true });
      await expect.poll(async () => (await exports.get(TRAIL, id))?.attempts, PATIENT).toBe(tries);
    }
    const { exports: next, told } = makerOf(table);
    await next.run(TRAIL, id, { takeOver: true });
    expect(await next.get(TRAIL, id)).toMatchObject({
      state: 'failed',
      error: { code: 'internal', message: `something went wrong inside: the operator finds the cause under ${id}` },
    });
    expect(told).toMatchObject([{ message: 'begun 3 times, and never heard of again' }]);
  });

  it('leaves an export as if it had not begun when it is told to stop, and no one is to blame', async () => {
    const { exports, downloads, told } = await world();
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    await exports.run(TRAIL, id, { signal: AbortSignal.abort() });
    expect(await exports.get(TRAIL, id)).toMatchObject({ state: 'queued', attempts: 0 });
    expect(told).toEqual([]);
    expect(downloads.files.size).toBe(0);
  });

  it('says so when there is not enough time, to who asked and no one else', async () => {
    const { exports, downloads, clock, told } = await world();
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    await exports.run(TRAIL, id, { until: clock.now });
    expect(await exports.get(TRAIL, id)).toMatchObject({ state: 'failed', error: { code: 'batch_too_large' } });
    expect(told).toEqual([]);
    expect(downloads.files.size).toBe(0);
  });
});

describe('what cannot be read', () => {
  const sealed = { sizes: [200, 56, 300, 30], events: [{}], later: [1000], indexedAfter: 3 };
  const FIRST = `${TRAIL}/tile/entries/000`;

  it.each([
    ['changed', (bytes: Uint8Array) => bytes.with(40, (bytes[40] ?? 0) ^ 1)],
    ['gone', () => undefined],
  ])('in the archive, being %s, is an error that names it, and no shorter export', async (_, change) => {
    const { table, objects, archive } = await archivedHistory(sealed);
    await expire(table, await expendable(table, archive));
    objects.tamper(FIRST, change((await objects.get(FIRST)) ?? new Uint8Array(0)));
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
    const { exports, downloads, told } = makerOf(table, new MemoryDownloads(), { queries });
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    await exports.run(TRAIL, id);
    expect(await exports.get(TRAIL, id)).toMatchObject({
      state: 'failed',
      error: { code: 'archive_damaged', message: expect.stringContaining(FIRST) },
    });
    expect(told).toHaveLength(1);
    expect(downloads.files.size).toBe(0);
  });

  it('is read from the archive as from the hot store, where it is whole', async () => {
    const { table, archive } = await archivedHistory(sealed);
    const lines = await linesOf(table);
    await expire(table, await expendable(table, archive));
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
    const { exports, downloads } = makerOf(table, new MemoryDownloads(), { queries });
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    await exports.run(TRAIL, id);
    expect(await fileOf(exports, downloads, id)).toBe(lines);
  });
});

describe('the worker of a process', () => {
  it('takes up what one before it left undone, and does what it is woken for, in turn', async () => {
    const { table, exports, downloads } = await world();
    const left = await exports.request(TRAIL, NDJSON, ASKER);
    const maker = makerOf(table, downloads);
    const worker = new ExportWorker({ exports: maker.exports, onError: (error) => maker.told.push(error) });
    worker.start();
    const asked = await maker.exports.request(TRAIL, { ...NDJSON, format: 'csv' }, ASKER);
    worker.wake(TRAIL, asked.id);
    for (const { id } of [left, asked]) {
      await expect.poll(async () => (await maker.exports.get(TRAIL, id))?.state, PATIENT).toBe('done');
    }
    await worker.stop();
    expect(maker.told).toEqual([]);
  });

  it('removes files whose time is over', async () => {
    const { table, exports, downloads, clock } = await world();
    const { id } = await exports.request(TRAIL, NDJSON, ASKER);
    await exports.run(TRAIL, id);
    expect(downloads.files.size).toBe(1);
    const maker = makerOf(table, downloads);
    maker.clock.now = clock.now + 7 * 86_400_000;
    const worker = new ExportWorker({ exports: maker.exports, onError: (error) => maker.told.push(error) });
    worker.start();
    await expect.poll(async () => downloads.files.size, PATIENT).toBe(0);
    await worker.stop();
    const job = await maker.exports.get(TRAIL, id);
    expect(job && (await maker.exports.links(job))).toBeUndefined();
  });
});
