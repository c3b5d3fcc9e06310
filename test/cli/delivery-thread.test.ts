import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeliveryThread } from '../../lib/cli/commands/capture/delivery-thread.ts';
import { openTestLog, type TestLog } from './in-process.ts';

let log: TestLog;
beforeAll(async () => {
  log = await openTestLog();
});
afterAll(() => log.close());

const never = new AbortController().signal;
const batch = (key: string) => ({ key, count: 1, body: '{"events":[{"type":"a.b"}]}' });

function thread(profile: 'writer' | 'auditor', endpoint = log.url): DeliveryThread {
  const credentials = { profile, filepath: log.env(profile).AWS_SHARED_CREDENTIALS_FILE ?? '' };
  const checkpoint = join(log.folder, `${profile}.checkpoint`);
  return new DeliveryThread(
    { endpoint, region: undefined, credentials, trail: 'threads', checkpoint },
    () => undefined,
  );
}

describe('a thread that sends', () => {
  it('gives the receipt, which it has checked, and the same one again', async () => {
    const sender = thread('writer');
    const receipt = await sender.send(batch('k-1'), never);
    expect(receipt).toMatchObject({ trail: 'threads', first: 0, count: 1, sealed: true });
    expect(await sender.send(batch('k-1'), never)).toMatchObject({ first: 0, replayed: true });
    await sender.close();
    await sender.terminate();
  });

  it('tells errors with their code, so that the outbox knows what to do', async () => {
    const sender = thread('auditor');
    await expect(sender.send(batch('k-2'), never)).rejects.toMatchObject({ name: 'SealtrailError', code: 'forbidden' });
    await sender.terminate();
  });

  it('stops when it is told, and fails what waits when it ends', async () => {
    const sender = thread('writer', 'http://127.0.0.1:9');
    await expect(sender.send(batch('k-3'), AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    const waiting = sender.send(batch('k-4'), never);
    await sender.terminate();
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await expect(sender.send(batch('k-5'), never)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
