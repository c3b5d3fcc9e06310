import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareEvent } from '../../../lib/client/event/event.ts';
import { MAX_LOGGED_BYTES } from '../../../lib/client/event/event-size.ts';
import { ProducerNumbers } from '../../../lib/client/event/producer-sequence.ts';
import { FIRST_LINK, producerLink } from '../../../lib/log/producer.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { logMany } from '../load.ts';
import { startProxiedLog } from '../proxy.ts';
import { logger, trail } from '../test-logger.ts';

describe('the numbers of a producer', () => {
  it('count from 0, and each event names the one before', () => {
    const numbers = new ProducerNumbers();
    const [first, second] = ['a', 'b'].map((id) => JSON.parse(numbers.number(id, `{"id":"${id}"}`)));
    expect(first).toEqual({ id: 'a', producer: { id: numbers.id, prev: FIRST_LINK, seq: 0 } });
    expect(second.producer).toEqual({ id: numbers.id, prev: producerLink('a', first.producer), seq: 1 });
    expect(new ProducerNumbers().id).not.toBe(numbers.id);
  });
});

describe('in the log', () => {
  it('the events of each process are one run without a gap', async () => {
    const proxied = await startProxiedLog();
    const loggers = [logger(proxied, { batchEvents: 7 }), logger(proxied)];
    for (const { audit } of loggers) logMany(audit, audit === loggers[0]?.audit ? 'a' : 'b', 40);
    await Promise.all(loggers.map(({ audit }) => audit.close()));
    const all = [...(await proxied.numberings(trail)).values()];
    expect(all.map((one) => [one.state().received, one.gaps(), one.conflicts()])).toEqual([
      [40, [], []],
      [40, [], []],
    ]);
  });

  it('what a full buffer left out is declared: numbers without a link, and the record that says which', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const { audit } = logger(proxied, { maxEvents: 3, batchEvents: 2, whenFull: 'drop' });
    logMany(audit, 'e', 8);
    await proxied.start();
    await audit.flush();
    logMany(audit, 'after', 2);
    await audit.close();
    const [numbering] = (await proxied.numberings(trail)).values();
    expect([numbering?.declared(), numbering?.gaps(), numbering?.conflicts()]).toEqual([5, [], []]);
    const dropped = (await audit.reader.recent()).find(({ event }) => event.type === 'audit.events_dropped');
    expect(dropped?.event).toMatchObject({
      details: { count: 5, numbers: { first: 3, last: 7 } },
      producer: { seq: 8 },
    });
  });

  it('an event that the log refused keeps its number, so that nothing seems to be missing', async () => {
    const proxied = await startProxiedLog();
    for (const spool of [undefined, await temporaryFolder()]) {
      const { audit } = logger(proxied, spool === undefined ? {} : { spool });
      logMany(audit, 'e', 3);
      await audit.log({ type: 'a.b', actor: { id: 'x', ip: 'nowhere' } }).receipt.catch(() => undefined);
      logMany(audit, 'f', 3);
      await audit.close();
    }
    const all = [...(await proxied.numberings(trail)).values()];
    expect(all.map((one) => [one.state().received, one.gaps(), one.conflicts()])).toEqual([
      [7, [], []],
      [7, [], []],
    ]);
  });

  it('the largest event that is logged fits, with its number', async () => {
    const proxied = await startProxiedLog();
    const { audit, errors } = logger(proxied);
    const small = prepareEvent({ type: 'a.b', id: 'largest', details: { text: '' } });
    const text = 'x'.repeat(MAX_LOGGED_BYTES - small.bytes);
    const receipt = await audit.logAndSeal({ type: 'a.b', id: 'largest', details: { text } });
    expect((await audit.reader.recent())[0]?.event).toMatchObject({ id: 'largest', details: { text } });
    expect([receipt?.seq, errors]).toEqual([0, []]);
    await audit.close();
  });

  it('a batch that was taken out of the spool is missed', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const spool = await temporaryFolder();
    const first = logger(proxied, { spool, batchEvents: 5 });
    logMany(first.audit, 'e', 20);
    await first.audit.close();
    const [lane = ''] = await readdir(spool);
    await rm(join(spool, lane, '000000000001.batch'));
    await proxied.start();
    const second = logger(proxied, { spool });
    await expect.poll(async () => (await proxied.ids(trail)).length).toBe(15);
    await second.audit.close();
    const [numbering] = (await proxied.numberings(trail)).values();
    expect(numbering?.gaps()).toEqual([{ first: 5, last: 9, record: 5 }]);
  });
});
