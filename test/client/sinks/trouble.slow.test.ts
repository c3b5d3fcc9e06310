import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Credentials, Outage } from '../../../lib/client/index.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { logMany } from '../load.ts';
import { expectWhole } from '../producer-numbers.ts';
import { type ProxiedLog, startProxiedLog, type Trouble } from '../proxy.ts';
import { logger, trail } from '../test-logger.ts';

/** The worst days, on the real embedded server: what was logged is in the log once and in order, or its loss is evident. */

const upTo = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

describe('a network', () => {
  it('that is so slow that requests are given up has them once all the same', async () => {
    const proxied = await startProxiedLog();
    let calls = 0;
    proxied.trouble = () => (calls++ % 3 < 2 ? 'stall' : undefined);
    const { audit, errors } = logger(proxied, { batchEvents: 25, timeout: 200, flushTimeout: 60_000 });
    const ids = logMany(audit, 'e', 75);
    await audit.close();
    expect(await proxied.ids(trail)).toEqual(ids);
    expect(expectWhole(await proxied.numberings(trail))).toEqual([75]);
    expect(errors[0]).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/no answer within 200 ms$/),
    });
  });

  it('in which anything may happen to any request, for a while', async () => {
    const proxied = await startProxiedLog();
    const troubles: Trouble[] = ['refuse', 'forget the answer', 429, 503];
    // Each of them at many places of a batch's life, with peace in between.
    let step = 0;
    proxied.trouble = () => {
      step += 1;
      return step > 40 || step % 3 === 0 ? undefined : troubles[step % 4];
    };
    const spool = await temporaryFolder();
    const { audit } = logger(proxied, { batchEvents: 3, spool, flushTimeout: 60_000 });
    const ids = logMany(audit, 'e', 90);
    await audit.logAndSeal({ type: 'a.b', id: 'last' });
    await audit.close();
    expect(step).toBeGreaterThan(40);
    expect(await proxied.ids(trail)).toEqual([...ids, 'last']);
    expect(expectWhole(await proxied.numberings(trail))).toEqual([91]);
  });
});

describe('credentials', () => {
  it('that have expired are asked for again until there are new ones, and nothing is lost meanwhile', async () => {
    const proxied = await startProxiedLog();
    const current = proxied.api.credentials;
    const outages: Outage[] = [];
    let asked = 0;
    const credentials = async (): Promise<Credentials> => {
      asked += 1;
      const real = await current();
      return asked <= 3 ? { ...real, secretAccessKey: 'the one from before' } : real;
    };
    const onRecovery = (outage: Outage): unknown => outages.push(outage);
    const { audit, errors } = logger(proxied, { credentials, batchEvents: 10, onRecovery });
    const ids = logMany(audit, 'e', 30);
    await audit.close();
    expect(await proxied.ids(trail)).toEqual(ids);
    expect(expectWhole(await proxied.numberings(trail))).toEqual([30]);
    expect(errors.map((error) => Reflect.get(error, 'code'))).toEqual(['unauthenticated']);
    expect(outages.map(({ attempts }) => attempts)).toEqual([3]);
  });

  it('that cannot be had for a while do no more harm', async () => {
    const proxied = await startProxiedLog();
    const current = proxied.api.credentials;
    let asked = 0;
    const credentials = async (): Promise<Credentials> => {
      asked += 1;
      if (asked <= 2) throw new Error('the metadata service is away');
      return current();
    };
    const { audit, errors } = logger(proxied, { credentials });
    const ids = logMany(audit, 'e', 10);
    await audit.close();
    expect([await proxied.ids(trail), errors.length]).toEqual([ids, 1]);
    expect(errors[0]?.message).toMatch(/^no AWS credentials to sign with: the metadata service is away$/);
  });
});

describe('two processes on one spool', () => {
  it('that both run while the log comes and goes send what is theirs, once and in order', async () => {
    const proxied = await startProxiedLog();
    let calls = 0;
    proxied.trouble = () => (['refuse', undefined, 'forget the answer', 503, undefined] as const)[calls++ % 5];
    const spool = await temporaryFolder();
    const pair = ['a', 'b'].map((prefix) => ({
      prefix,
      ...logger(proxied, { spool, batchEvents: 6, flushTimeout: 60_000 }),
    }));
    for (const { audit, prefix } of pair) logMany(audit, prefix, 30);
    await Promise.all(pair.map(({ audit }) => audit.logAndSeal({ type: 'a.b' })));
    await Promise.all(pair.map(({ audit }) => audit.close()));
    const ids = await proxied.ids(trail);
    for (const { prefix } of pair) expect(ids.filter((id) => id.startsWith(`${prefix}-`))).toEqual(upTo(30, prefix));
    expect(expectWhole(await proxied.numberings(trail))).toEqual([31, 31]);
  });
});

describe('a process that is killed with a full spool', () => {
  it('leaves what is in it to the next one; what was in memory alone is the end of its run, and nothing before it', async () => {
    const spool = await temporaryFolder();
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../delivery/spooling.ts'), 'http://127.0.0.1:1', spool, 'e', '100', '6000'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [[, signal]] = await Promise.all([once(child, 'exit'), child.stdout?.resume()]);
    expect(signal).toBe('SIGKILL');
    const proxied: ProxiedLog = await startProxiedLog();
    const { audit, errors } = logger(proxied, { spool });
    await expect.poll(async () => (await proxied.ids(trail)).length).toBeGreaterThan(20);
    await audit.close();
    const ids = await proxied.ids(trail);
    expect(ids.length).toBeLessThan(100);
    expect(ids).toEqual(upTo(ids.length, 'e'));
    expect(expectWhole(await proxied.numberings(trail))).toEqual([ids.length]);
    expect(errors).toEqual([]);
  });
});
