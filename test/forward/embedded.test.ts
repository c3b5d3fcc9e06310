import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { Receiver } from './receiver.ts';

/** The promise: a log of one machine forwards by itself, and a destination that is away costs it nothing. */

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

async function setUp(...destinations: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-forward-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'hook-secret'), `${SECRET}\n`);
  const forwardFile = join(folder, 'forward.json');
  writeFileSync(forwardFile, JSON.stringify({ destinations }));
  const errors: unknown[] = [];
  const log = await openEmbedded(join(folder, 'data'), {
    settings: { forwardFile },
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => log.close());
  const append = async (count: number) => {
    const events = Array.from({ length: count }, (_, n) => ({
      id: `e-${n}`,
      json: `{"id":"e-${n}","type":"order.paid"}`,
    }));
    await log.ledger.append({ trail: 'orders', submitter: 'shop', events });
  };
  const status = () => Array.fromAsync(log.forwarding());
  return { folder, log, append, status, errors };
}

describe('a log of one machine', () => {
  it('forwards what is appended, once for each destination', async () => {
    const receiver = await Receiver.open();
    onTestFinished(() => receiver.close());
    const dead = await Receiver.open();
    const deadUrl = dead.url;
    await dead.close();
    const secret = { env: 'SEALTRAIL_TEST_HOOK' };
    vi.stubEnv('SEALTRAIL_TEST_HOOK', SECRET);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { append, status, errors } = await setUp(
      { type: 'webhook', name: 'dead', url: `${deadUrl}/in`, secret },
      { type: 'webhook', name: 'siem', url: `${receiver.url}/in`, secret },
    );
    await append(20);
    await vi.waitFor(async () => expect((await status()).at(-1)).toMatchObject({ forwarded: 20, sent: 20 }), 10_000);
    const [first, second] = await status();
    expect(first).toMatchObject({ destination: 'dead', forwarded: 0, error: expect.stringContaining('ECONNREFUSED') });
    expect(second).toMatchObject({ destination: 'siem', lagMs: 0 });
    const bodies = receiver.received.map(({ body }) => JSON.parse(body.toString()));
    expect(bodies.flatMap(({ records }) => records.map(({ seq }: { seq: number }) => seq))).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    );
    expect(errors).toEqual([]);
  });

  it('refuses a file that is not right, by name', async () => {
    const url = 'http://siem.example/';
    await expect(setUp({ type: 'webhook', name: 'siem', url, secret: { file: 'x' } })).rejects.toMatchObject({
      code: 'invalid_parameter',
      message: expect.stringMatching(/forward\.json: .*https/),
    });
  });
});
