import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { Receiver } from '../forward/receiver.ts';
import { cli } from './in-process.ts';

/** `sealtrail forwarding`, as its user sees it: a destination that lost records is filled again from any of them. */

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-forwarding-'));
const data = join(folder, 'data');
const forward = join(folder, 'forward.json');
let receiver: Receiver;

/** Runs the log until the destination has as many records as it should. @returns their numbers */
async function runLog(events: number, wanted: number): Promise<readonly number[]> {
  const log = await openEmbedded(data, { settings: { forwardFile: forward } });
  const made = Array.from({ length: events }, (_, n) => ({
    id: `e-${n}`,
    json: `{"id":"e-${n}","type":"order.paid"}`,
  }));
  if (events > 0) await log.ledger.append({ trail: 'orders', submitter: 'shop', events: made });
  const seqs = () =>
    receiver.received.flatMap(({ body }) =>
      JSON.parse(body.toString()).records.map(({ seq }: { readonly seq: number }) => seq),
    );
  await vi.waitFor(async () => {
    expect(seqs()).toHaveLength(wanted);
    for await (const { size, forwarded } of log.forwarding()) expect(forwarded).toBe(size);
  }, 10_000);
  await log.close();
  return seqs();
}

beforeAll(async () => {
  receiver = await Receiver.open();
  writeFileSync(join(folder, 'secret'), `whsec_${Buffer.alloc(32, 7).toString('base64')}`);
  const destination = { name: 'siem', type: 'webhook', url: receiver.url, secret: { file: join(folder, 'secret') } };
  writeFileSync(forward, JSON.stringify({ destinations: [destination] }));
});
afterAll(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

const told = (...args: readonly string[]) => cli(['forwarding', '--data', data, '--forward', forward, ...args]);

describe('sealtrail forwarding', () => {
  it('tells how far each destination has come, and fills one again from a record', async () => {
    await runLog(5, 5);
    expect((await told()).stdout).toBe('siem  orders  5 of 5 records done, 5 sent, 0 set aside\n');
    const again = await told('--destination', 'siem', '--trail', 'orders', '--from', '3', '--json');
    expect(JSON.parse(again.stdout)).toEqual({
      trails: [{ destination: 'siem', trail: 'orders', size: 5, forwarded: 3, sent: 5, aside: 0 }],
    });
    expect(await runLog(0, 7)).toEqual([0, 1, 2, 3, 4, 3, 4]);
    // Once: the next start goes on where this one ended.
    expect(await runLog(1, 8)).toEqual([0, 1, 2, 3, 4, 3, 4, 5]);
  });

  it('refuses what is not there, and a log that runs', async () => {
    const restart = (...args: readonly string[]) => told('--destination', 'siem', '--trail', 'orders', ...args);
    expect(await restart()).toMatchObject({ code: 2, stderr: expect.stringContaining('go together') });
    expect(await restart('--from', '99')).toMatchObject({ code: 2, stderr: expect.stringContaining('has 6 records') });
    expect(await told('--destination', 'x', '--trail', 'orders', '--from', '0')).toMatchObject({ code: 2 });
    expect(await told('--destination', 'siem', '--trail', '_system', '--from', '0')).toMatchObject({ code: 2 });
    const log = await openEmbedded(data);
    expect(await told()).toMatchObject({ code: 2, stderr: expect.stringMatching(/use|open/) });
    await log.close();
  });
});
