import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareEvent } from '../../../lib/client/event/event.ts';
import { ApiSink, SignedHttp } from '../../../lib/client/index.ts';
import { parseProof } from '../../../lib/log/proof.ts';
import { LOG_NAME } from '../../api/served.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { logMany } from '../load.ts';
import { expectWhole } from '../producer-numbers.ts';
import { startProxiedLog, type Trouble } from '../proxy.ts';
import { logger, trail } from '../test-logger.ts';

/** Each trouble once, in turn, with a request in peace after every one. */
function eachOf(...troubles: Trouble[]): () => Trouble | undefined {
  let calls = 0;
  return () => (calls++ % 2 === 0 ? troubles.shift() : undefined);
}

describe('with the log there', () => {
  it('every event is in it once, in order, and its handle has a checked receipt', async () => {
    const proxied = await startProxiedLog();
    const { audit, errors } = logger(proxied, { batchEvents: 100 });
    const ids = logMany(audit, 'e', 250);
    const last = await audit.logAndSeal({ type: 'auth.login', id: 'last', actor: { id: 'alice@example.com' } });
    expect(last).toMatchObject({ id: 'last', trail, seq: 250, receipt: { sealed: true, first: 200, count: 51 } });
    expect(await proxied.ids(trail)).toEqual([...ids, 'last']);
    await audit.close();
    expect(errors).toEqual([]);
  });

  it('batches that go as gzip arrive as they are', async () => {
    const proxied = await startProxiedLog();
    const { audit, errors } = logger(proxied, { compress: true, batchEvents: 100 });
    const ids = logMany(audit, 'e', 250);
    await audit.close();
    expect(await proxied.ids(trail)).toEqual(ids);
    expect(errors).toEqual([]);
  });

  it('a batch goes once it has enough events, or enough bytes, without waiting for more', async () => {
    const proxied = await startProxiedLog();
    for (const enough of [{ batchEvents: 2 }, { batchBytes: 150 }]) {
      const { audit } = logger(proxied, { batchDelay: 2 ** 31 - 1, ...enough });
      const both = [audit.log({ type: 'a.b' }), audit.log({ type: 'a.b' })];
      expect(await Promise.all(both.map(({ receipt }) => receipt))).toMatchObject([{ trail }, { trail }]);
      await audit.close();
    }
  });

  it('flushing waits for what was logged before, not for what keeps coming', async () => {
    const proxied = await startProxiedLog();
    const { audit } = logger(proxied, { flushTimeout: 5000 });
    const producer = setInterval(() => audit.log({ type: 'a.noise' }), 1);
    const ids = logMany(audit, 'e', 100);
    await audit.flush();
    expect((await proxied.ids(trail)).filter((id) => id.startsWith('e-'))).toEqual(ids);
    clearInterval(producer);
    await audit.close();
  });

  it('it can be asked for what it has', async () => {
    const { audit } = logger(await startProxiedLog());
    logMany(audit, 'e', 120);
    await audit.logAndSeal({ type: 'auth.login', id: 'in', context: { agent: 'a-1' }, actor: { id: 'alice' } });
    const { reader } = audit;
    const found: unknown[] = [];
    for await (const { event } of reader.query({ type: 'load.test', limit: 50, order: 'oldest' })) found.push(event.id);
    expect(found).toEqual(Array.from({ length: 120 }, (_, i) => `e-${i}`));
    expect((await reader.recent(2)).map(({ seq }) => seq)).toEqual([120, 119]);
    expect(await reader.recent(0)).toEqual([]);
    expect(await reader.summary()).toMatchObject({ total: 121 });
    expect(await reader.activity('alice', 1)).toMatchObject({ total: 1 });
    expect((await reader.actionHistory('a-1', 'all').next()).value).toMatchObject({ seq: 120 });
    expect(parseProof(await reader.proof(7)).index).toBe(7);
    await audit.close();
  });

  it('an event that it refuses is reduced to its core, and the others do not suffer', async () => {
    const proxied = await startProxiedLog();
    // As an older log, or one whose policy says so.
    await proxied.stop();
    const policy = { logName: LOG_NAME, privacy: { default: { unfit: 'refuse' } } };
    await writeFile(join(proxied.folder, 'config.json'), JSON.stringify(policy));
    await proxied.start();
    for (const spool of [undefined, await temporaryFolder()]) {
      const errors: Error[] = [];
      const http = new SignedHttp({ ...proxied.api, attempts: 1 });
      const sink = new ApiSink({
        ...{ trail, http, batchDelay: 5, onError: (error) => errors.push(error) },
        ...(spool === undefined ? {} : { spool }),
      });
      // What this client would not send: a field that there is not, and a value that its core has too.
      const wrong = { refused: ',"nowhere":1}', worse: ',"outcome":1}', good: '}' };
      const ended = Object.entries(wrong).map(([name, end]) => {
        const event = prepareEvent({ type: 'a.b', actor: { id: name }, resource: { type: 'r' }, details: { name } });
        const json = `${event.json.slice(0, -1)}${end}`;
        return new Promise<unknown>((resolve) => {
          sink.write({ ...event, json, landed: (receipt) => resolve(receipt?.id), failed: resolve });
        });
      });
      await sink.close();
      const results = await Promise.all(ended);
      expect(results).toMatchObject([{ code: 'invalid_event' }, { code: 'invalid_event' }, expect.any(String)]);
      const records = (await logger(proxied).audit.reader.recent(3)).reverse();
      expect(records.map(({ event }) => event)).toMatchObject([
        { type: 'a.b', actor: { id: 'refused' }, resource: { type: 'r' }, details: { refused: expect.any(String) } },
        {
          ...{ type: 'audit.invalid_event', severity: 'error' },
          details: { type: '"a.b"', actor: '{"id":"worse"}', resource: '{"type":"r"}' },
        },
        { type: 'a.b', actor: { id: 'good' }, details: { name: 'good' } },
      ]);
      expect(errors).toHaveLength(3);
      if (spool !== undefined) expect(await readdir(spool)).toEqual(['orders.checkpoint']);
    }
    expectWhole(await proxied.numberings(trail));
  });

  it('a receipt that does not prove what it says is an alarm', async () => {
    const proxied = await startProxiedLog();
    const alarms: Error[] = [];
    const { audit } = logger(proxied, { onAlarm: (error) => alarms.push(error) });
    proxied.trouble = () => (body) => body.replace(/("proof":\[")./, '$1_');
    await audit.log({ type: 'a.b' }).receipt;
    const forged = audit.log({ type: 'a.b' }).receipt;
    await expect(forged).rejects.toMatchObject({ code: 'proof_mismatch', message: expect.stringMatching(/receipt/) });
    expect(alarms).toHaveLength(1);
    await audit.close();
  });
});

describe('with the log in trouble, what was logged is in it exactly once and in order', () => {
  it.each<[what: string, troubles: Trouble[]]>([
    ['that refuses connections', ['refuse', 'refuse', 'refuse']],
    ['whose answers are cut', ['forget the answer', 'forget the answer', 'forget the answer']],
    ['in a storm of 429 and 503', [429, 503, 429, 503, 503, 429]],
  ])('%s', async (_, troubles) => {
    for (const spool of [undefined, await temporaryFolder()]) {
      const proxied = await startProxiedLog();
      proxied.trouble = eachOf(...troubles);
      const { audit, errors } = logger(proxied, { batchEvents: 10, ...(spool === undefined ? {} : { spool }) });
      const ids = logMany(audit, 'e', 100);
      const last = await audit.logAndSeal({ type: 'a.b', id: 'last' });
      expect(last?.seq).toBe(100);
      expect(await proxied.ids(trail)).toEqual([...ids, 'last']);
      expect(expectWhole(await proxied.numberings(trail))).toHaveLength(1);
      expect(errors.length).toBeGreaterThan(2);
      await audit.close();
    }
  });

  it('that is stopped and started under load', async () => {
    const proxied = await startProxiedLog();
    const { audit, errors } = logger(proxied, { batchEvents: 20 });
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      ids.push(...logMany(audit, `before-${round}`, 200));
      await expect.poll(async () => (await proxied.ids(trail)).length).toBeGreaterThan(400 * round);
      const stopped = proxied.stop();
      ids.push(...logMany(audit, `during-${round}`, 200));
      await stopped;
      if (round === 0) await expect.poll(() => errors.length).toBeGreaterThan(0);
      await proxied.start();
    }
    await audit.logAndSeal({ type: 'a.b', id: 'last' });
    expect(await proxied.ids(trail)).toEqual([...ids, 'last']);
    expect(expectWhole(await proxied.numberings(trail))).toHaveLength(1);
    expect(errors.length).toBeGreaterThan(0);
    await audit.close();
  });

  it('that is away when two processes on one spool are killed', async () => {
    const spool = await temporaryFolder();
    const run = async (prefix: string): Promise<unknown> => {
      const script = join(import.meta.dirname, '../delivery/spooling.ts');
      const child = spawn(process.execPath, [script, 'http://127.0.0.1:1', spool, prefix, '50'], { stdio: 'inherit' });
      return (await once(child, 'exit'))[1];
    };
    expect(await Promise.all([run('a'), run('b')])).toEqual(['SIGKILL', 'SIGKILL']);
    const proxied = await startProxiedLog();
    // Both take over what was left, at the same time.
    const loggers = [logger(proxied, { spool }), logger(proxied, { spool })];
    await expect.poll(async () => (await proxied.ids(trail)).length).toBe(100);
    await Promise.all(loggers.map(({ audit }) => audit.flush()));
    await Promise.all(loggers.map(({ audit }) => audit.close()));
    const ids = await proxied.ids(trail);
    for (const prefix of ['a', 'b']) {
      const own = ids.filter((id) => id.startsWith(prefix));
      expect(own).toEqual(Array.from({ length: 50 }, (_, i) => `${prefix}-${i}`));
    }
    expect(ids).toHaveLength(100);
    expect(expectWhole(await proxied.numberings(trail))).toHaveLength(2);
    expect(loggers.flatMap(({ errors }) => errors)).toEqual([]);
  });
});

describe('with the log away for longer', () => {
  it('closing leaves everything in the spool for the next process, and says so', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const spool = await temporaryFolder();
    const first = logger(proxied, { spool });
    const ids = logMany(first.audit, 'e', 30);
    const receipt = first.audit.log({ type: 'a.b', id: 'last' }).receipt;
    await first.audit.close();
    await expect(receipt).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/the spool folder has it/),
    });
    await proxied.start();
    const second = logger(proxied, { spool });
    // The log has an event before the client knows: what counts is that the batches go from the disk once it does.
    const batches = async () => (await readdir(spool, { recursive: true })).filter((name) => /\/\d{12}/.test(name));
    await expect.poll(batches).toEqual([]);
    await second.audit.close();
    expect(await proxied.ids(trail)).toEqual([...ids, 'last']);
    expect(await readdir(spool)).toEqual(['orders.checkpoint']);
  });

  it.each(['flush', 'close'] as const)('%s waits for what an earlier process left, too', async (wait) => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const spool = await temporaryFolder();
    const first = logger(proxied, { spool, batchEvents: 7 });
    const ids = logMany(first.audit, 'e', 30);
    await first.audit.close();
    await proxied.start();
    const second = logger(proxied, { spool });
    await second.audit[wait]();
    expect(await proxied.ids(trail)).toEqual(ids);
    expect(second.errors).toEqual([]);
    await second.audit.close();
    expect(await readdir(spool)).toEqual(['orders.checkpoint']);
  });

  it('an outage is told once, and that it is over', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const outages: unknown[] = [];
    const { audit, errors } = logger(proxied, { onRecovery: (outage) => outages.push(outage) });
    let refused = 0;
    proxied.trouble = () => {
      refused++;
      return refused > 3 ? undefined : 503;
    };
    audit.log({ type: 'a.b' });
    await expect.poll(() => refused, { interval: 5 }).toBeGreaterThan(3);
    await proxied.start();
    await audit.flush();
    expect(errors).toEqual([expect.objectContaining({ code: 'unavailable' })]);
    expect(outages).toEqual([{ since: expect.any(Date), attempts: expect.any(Number), cause: errors[0] }]);
    await audit.close();
  });

  it('a log whose history is in conflict gets everything once that is mended', async () => {
    const proxied = await startProxiedLog();
    let refused = 0;
    proxied.trouble = () => (refused++ < 2 ? { status: 503, code: 'history_conflict' } : undefined);
    const { audit, errors } = logger(proxied, { batchEvents: 10 });
    const ids = logMany(audit, 'e', 20);
    await audit.close();
    expect(await proxied.ids(trail)).toEqual(ids);
    expect(errors).toEqual([expect.objectContaining({ code: 'history_conflict' })]);
  });

  it('closing without a spool says how much is lost', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const { audit } = logger(proxied, { flushTimeout: 50 });
    const receipt = audit.log({ type: 'a.b' }).receipt;
    await expect(audit.close()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^1 events are not in the log: /),
    });
    await expect(receipt).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/closed before/),
    });
  });

  it('a loss that cannot be recorded before the logger closes is told', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const { audit, errors } = logger(proxied, { maxEvents: 1, whenFull: 'drop', flushTimeout: 50 });
    logMany(audit, 'e', 3);
    await expect(audit.close()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^1 events/),
    });
    expect(errors.at(-1)).toMatchObject({ code: 'store_full', message: '2 events were dropped, which no record says' });
  });

  it('a full buffer blocks, throws or drops, by choice, and a drop is recorded', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const bounds = { maxEvents: 3, batchEvents: 2 };
    const [block, refuse, drop] = [
      logger(proxied, bounds),
      logger(proxied, { ...bounds, whenFull: 'throw', trail: 'refusing', flushTimeout: 5000 }),
      logger(proxied, { ...bounds, whenFull: 'drop', trail: 'dropping' }),
    ];
    for (const { audit } of [block, refuse, drop]) logMany(audit, 'e', 3);
    const blocked = block.audit.log({ type: 'a.b', id: 'blocked' });
    let room = false;
    blocked.accepted.then(() => {
      room = true;
    });
    expect(() => refuse.audit.log({ type: 'a.b' })).toThrow(
      expect.objectContaining({ code: 'store_full', message: 'the buffer is full: it holds 3 events' }),
    );
    const dropped = [drop.audit.log({ type: 'a.b' }).receipt, drop.audit.log({ type: 'a.b' }).receipt];
    for (const one of dropped)
      await expect(one).rejects.toMatchObject({ code: 'store_full', message: expect.stringMatching(/full/) });
    expect(room).toBe(false);
    await proxied.start();
    await blocked.accepted;
    for (const { audit } of [block, refuse, drop]) await audit.flush();
    await drop.audit.flush();
    expect(await proxied.ids(trail)).toEqual(['e-0', 'e-1', 'e-2', 'blocked']);
    expect(await proxied.ids('refusing')).toEqual(['e-0', 'e-1', 'e-2']);
    const records = await drop.audit.reader.recent();
    expect(records.map(({ event }) => event.type)).toEqual([
      'audit.events_dropped',
      'load.test',
      'load.test',
      'load.test',
    ]);
    expect(records[0]?.event).toMatchObject({ severity: 'error', details: { count: 2 } });
    for (const { audit } of [block, refuse, drop]) await audit.close();
  });
});
