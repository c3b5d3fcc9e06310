import { describe, expect, it } from 'vitest';
import { SignedHttp } from '../../../lib/client/index.ts';
import { fetchKeys } from '../../../lib/client/read/log-view.ts';
import { beginRotation, completeRotation } from '../../../lib/server/key-rotation.ts';
import { type ProxiedLog, startProxiedLog } from '../proxy.ts';
import { logger, trail } from '../test-logger.ts';

const httpOf = ({ url, api }: ProxiedLog): SignedHttp =>
  new SignedHttp({ endpoint: url, credentials: api.credentials ?? expect.fail('there are credentials') });

/** The log gets another key, step by step, while its clients run. */
async function rotate(proxied: ProxiedLog, between: () => Promise<unknown>): Promise<void> {
  for (const step of [beginRotation, completeRotation]) {
    await proxied.begun(trail);
    for (const each of [trail, '_system']) {
      await httpOf(proxied).send({ method: 'POST', path: `/v1/trails/${each}/seals` });
    }
    await proxied.stop();
    await step(proxied.folder);
    await proxied.start();
    await between();
  }
}

describe('a client that runs while the log’s key is rotated', () => {
  it('asks for the keys again, and goes on', async () => {
    const proxied = await startProxiedLog();
    const { audit, errors } = logger(proxied);
    const places: (number | undefined)[] = [];
    const log = async () => places.push((await audit.logAndSeal({ type: 'a.b' }))?.seq);
    await log();
    await rotate(proxied, log);
    await audit.close();
    expect([places, errors]).toEqual([[0, 1, 2], []]);
  });

  it('takes the receipt of what the older key has signed, and sends again under the newer one', async () => {
    const proxied = await startProxiedLog();
    const { audit, errors } = logger(proxied);
    proxied.trouble = (path) => (path.endsWith('/events') ? 'forget the answer' : undefined);
    const { receipt } = audit.log({ type: 'a.b' });
    await expect.poll(async () => (await proxied.ids(trail)).length).toBe(1);
    await rotate(proxied, async () => undefined);
    proxied.trouble = () => undefined;
    expect(await receipt).toMatchObject({ seq: 0, receipt: { replayed: true } });
    expect(await audit.logAndSeal({ type: 'a.b' })).toMatchObject({ seq: 1 });
    await audit.close();
    expect(errors.filter(({ message }) => !message.startsWith('cannot reach'))).toEqual([]);
  });

  it('raises the alarm over the new key where it was told which ones to trust', async () => {
    const proxied = await startProxiedLog();
    const first = logger(proxied);
    await first.audit.logAndSeal({ type: 'a.b' });
    await first.audit.close();
    const keys = (await fetchKeys(httpOf(proxied), [trail])).map(({ verifier }) => verifier.vkey);
    const alarms: string[] = [];
    const { audit } = logger(proxied, { keys, onAlarm: ({ code }) => alarms.push(code) });
    await rotate(proxied, () => audit.log({ type: 'a.b' }).receipt.catch(() => undefined));
    await audit.close();
    expect(alarms).toEqual(['bad_signature']);
  });
});
