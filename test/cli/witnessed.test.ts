import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listen } from '../../lib/cli/shell/serving.ts';
import { parsePolicy } from '../../lib/log/policy.ts';
import { type Embedded, openEmbedded } from '../../lib/server/embedded.ts';
import { KeyFileSigner } from '../../lib/store/keyfile/signer.ts';
import { type WitnessAtHand, witnessAtHand } from '../app/witness-at-hand.ts';
import { makeFolder, removeFolder } from '../store/temporary.ts';
import { cli, Screen } from './in-process.ts';

/** From an append to a verdict under a policy, with the command line alone. */

let folder: string;
let log: Embedded;
let witness: WitnessAtHand;
let server: Awaited<ReturnType<typeof listen>>;
const at = (name: string): string => join(folder, name);
const run = (...args: readonly string[]) =>
  cli(args, {
    env: {
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'data/credentials'),
      AWS_PROFILE: 'admin',
      SEALTRAIL_ENDPOINT: server.url,
    },
  });

beforeAll(async () => {
  folder = await makeFolder();
  // The log's key is made first, since the witness has to know it.
  const first = await openEmbedded(at('data'), { logName: 'log.example' });
  await first.close();
  witness = await witnessAtHand('log.example', await KeyFileSigner.open(at('data/signing-key.pem')));
  const witnesses = { policy: parsePolicy(witness.policy), everyMs: 0 };
  log = await openEmbedded(at('data'), { witnesses, archiveDelayMs: 0 });
  server = await listen(log, { host: '127.0.0.1', port: 0 }, new Screen());
  await writeFile(at('policy.txt'), witness.policy);
  await writeFile(at('events.ndjson'), '{"type":"auth.login"}\n{"type":"auth.logout"}\n');
  const appended = await run('append', 'orders', at('events.ndjson'), '--json');
  expect(appended.code, appended.stderr).toBe(0);
  expect((await run('keys', '--export', at('keys'))).code).toBe(0);
  await vi.waitFor(async () => expect(await log.witnesses.status()).toMatchObject({ lagMs: 0 }), { timeout: 60_000 });
  await vi.waitFor(async () => expect((await run('proof', 'orders', '1', '-o', at('p'))).code).toBe(0), {
    timeout: 60_000,
  });
  await vi.waitFor(async () => expect((await run('witnessed', at('p'))).code).toBe(0), {
    timeout: 60_000,
    interval: 200,
  });
});
afterAll(async () => {
  await server.close();
  await log.close();
  await witness.close();
  await removeFolder(folder);
});

describe('a proof under a policy', () => {
  it('says who cosigned it, and when', async () => {
    const args = [
      'verify-proof',
      at('p'),
      '--record',
      at('p.record.json'),
      '--key',
      at('keys/log.pem'),
      '--policy',
      at('policy.txt'),
    ];
    const { code, stdout } = await run(...args);
    expect(code, stdout).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/that covers it was cosigned by W \(20\d\d-\d\d-\d\dT[\d:]+Z\)\./);
    const json = JSON.parse((await run(...args, '--json')).stdout);
    expect(json).toMatchObject({ ok: true, witnessed: { by: [{ witness: 'W', key: 'w.example' }] } });
  });

  it('does not hold with the cosignatures cut out, and is as before without a policy', async () => {
    const head = JSON.parse(await readFile(at('p.witnessed.json'), 'utf8'));
    await writeFile(
      at('p.witnessed.json'),
      JSON.stringify({ ...head, heads: head.heads.replace(/— w\.example.*\n/, '') }),
    );
    const args = ['verify-proof', at('p'), '--record', at('p.record.json'), '--key', at('keys/log.pem')];
    const cut = await run(...args, '--policy', at('policy.txt'));
    expect([cut.code, cut.stdout]).toEqual([1, expect.stringContaining('no witness of the policy cosigned the head')]);
    expect((await run(...args)).code).toBe(0);
    await writeFile(at('p.witnessed.json'), JSON.stringify(head));
  });
});

describe('an export under a policy', () => {
  it('says who cosigned it', async () => {
    expect((await run('export', 'orders', '--output', at('x.ndjson'))).code).toBe(0);
    const fetched = await run('witnessed', at('x.ndjson'), '--policy', at('policy.txt'), '--json');
    expect(fetched.code, fetched.stderr).toBe(0);
    const args = ['verify-export', at('x.ndjson'), '--key', at('keys/log.pem'), '--policy', at('policy.txt'), '--json'];
    expect(JSON.parse((await run(...args)).stdout)).toMatchObject({ witnessed: { by: [{ witness: 'W' }] } });
  });
});

describe('an archive under a policy', () => {
  it('is verified with the witnesses, and the report repeats how', async () => {
    const args = ['verify', at('data/archive'), '--key', at('keys/log.pem'), '--policy', at('policy.txt')];
    const { code, stdout } = await run(...args, '--report', at('report.html'));
    expect(stdout).toMatch(/cosigned by W \(/);
    expect(code, stdout).toBe(0);
    expect(await readFile(at('report.html'), 'utf8')).toContain('<code>w.example</code>');
    expect(JSON.parse((await run(...args, '--json')).stdout).program.command).toContain(`--policy ${at('policy.txt')}`);
  });
});

it('a file without a checkpoint is refused', async () => {
  expect(await run('witnessed', at('policy.txt'))).toMatchObject({ code: 2 });
  expect((await run('witnessed', at('data/config.json'))).stderr).toContain('holds no checkpoint');
});
