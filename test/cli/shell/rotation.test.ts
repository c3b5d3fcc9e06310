import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../../lib/cli/shell/serving.ts';
import { type Embedded, openEmbedded } from '../../../lib/server/embedded.ts';
import { parseTrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { beginningsOf } from '../../server/beginnings.ts';
import { makeFolder, removeFolder, temporaryFolder } from '../../store/temporary.ts';
import { cli, Screen } from '../in-process.ts';

it('keys rotate and keys retire print what verifiers put into their key files', async () => {
  const data = join(await temporaryFolder(), 'data');
  const log = await openEmbedded(data, { logName: 'log.example' });
  const event = { id: 'e-1', json: '{"id":"e-1","severity":"info","type":"auth.login"}' };
  await log.ledger.append({ trail: 'orders', submitter: 'test', events: [event] });
  await log.archiver.seal('orders');
  await beginningsOf(log, 'orders');
  await log.archiver.seal('_system');
  await log.close();

  const begun = await cli(['keys', 'rotate', '--data', data]);
  expect(begun).toMatchObject({ code: 0, stderr: '' });
  const lines = begun.stdout.split('\n').filter((line) => line.startsWith('log.example/orders+'));
  expect(parseTrustedKeys(lines.join('\n'))).toMatchObject([{ name: 'log.example/orders', from: 2 }]);

  const again = await cli(['keys', 'rotate', '--data', data]);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('two keys sign already: retire the older one first');

  const ended = await cli(['keys', 'retire', '--data', data, '--json']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const { trust, fingerprint } = JSON.parse(ended.stdout);
  expect(parseTrustedKeys(trust.join('\n'))).toMatchObject([
    { name: 'log.example/_system', to: 1 },
    { name: 'log.example/orders', to: 1 },
  ]);
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

/** The folder's log behind a socket while something is done with it, as each of its own life times is. */
async function served<T>(data: string, use: (env: Record<string, string>, log: Embedded) => Promise<T>): Promise<T> {
  const log = await openEmbedded(data, { logName: 'log.example' });
  const server = await listen(log, { host: '127.0.0.1', port: 0 }, new Screen());
  try {
    const AWS_SHARED_CREDENTIALS_FILE = join(data, 'credentials');
    return await use({ SEALTRAIL_ENDPOINT: server.url, AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE: 'admin' }, log);
  } finally {
    await server.close();
    await log.close();
  }
}

describe('after a rotation', () => {
  let folder: string;
  const at = (...names: string[]): string => join(folder, ...names);
  const input = '{"type":"auth.login"}\n{"type":"auth.logout"}';
  /** Fingerprints of the keys that are said to have signed each append. */
  const signers: string[][] = [];

  /** Two records under the old key, two under both, two under the new one, and a trail that began when the old one had ended. */
  beforeAll(async () => {
    folder = await makeFolder();
    const data = at('data');
    const grow = async (use: Record<string, string>, trail: string): Promise<void> => {
      const args = ['append', trail, '--checkpoint', at(`${trail}-kept`), '--json'];
      const appended = await cli(args, { env: use, input });
      expect(appended).toMatchObject({ code: 0 });
      signers.push(JSON.parse(appended.stdout).checkpoint.keys);
      expect(await cli(['seal', trail], { env: use })).toMatchObject({ code: 0 });
    };
    await served(data, async (use) => {
      await grow(use, 'orders');
      await cli(['proof', 'orders', '1', '-o', at('old.tlog-proof')], { env: use });
    });
    const begun = await cli(['keys', 'rotate', '--data', data, '--json']);
    await served(data, async (use, log) => {
      await grow(use, 'orders');
      // Who read is a record as well, and a key is not retired before the archive of every trail holds it.
      expect(await cli(['seal', '_access'], { env: use })).toMatchObject({ code: 0 });
      await beginningsOf(log, 'orders', '_access');
      expect(await cli(['seal', '_system'], { env: use })).toMatchObject({ code: 0 });
      expect(await cli(['seal', '_access'], { env: use })).toMatchObject({ code: 0 });
    });
    const ended = await cli(['keys', 'retire', '--data', data, '--json']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const lines = [begun, ended].flatMap(({ stdout }): string[] => JSON.parse(stdout).trust);
    await writeFile(at('lines'), lines.join('\n'));
    await served(data, async (use) => {
      // The checkpoint that was kept is by both keys; the next one is by the new key alone.
      await grow(use, 'orders');
      await grow(use, 'later');
      await cli(['proof', 'orders', '--from', '2', '-o', at('growth.json')], { env: use });
      await cli(['keys', '--export', at('keys')], { env: use });
      const shown = await cli(['keys'], { env: use });
      await writeFile(at('shown'), shown.stdout);
      const told = await cli(['keys', '--json', '--trail', 'orders', '--trail', 'later'], { env: use });
      await writeFile(at('told'), told.stdout);
    });
  }, 60_000);

  afterAll(() => removeFolder(folder));

  const text = (...names: string[]): Promise<string> => readFile(at(...names), 'utf8');

  it('the retired key is shown with its end, for the trails that it signed', async () => {
    expect(await text('shown')).toMatch(
      /^ed25519 key, SHA-256 fingerprint:\n.*\ned25519 key, retired, SHA-256 fingerprint:\n/s,
    );
    expect(await text('shown')).toMatch(
      /\norders +now +log\.example\/orders\+.*\norders +to 4 +log\.example\/orders\+/s,
    );
    const { keys, retired } = JSON.parse(await text('told'));
    expect(keys).toMatchObject([{ trail: 'orders' }, { trail: 'later' }]);
    expect(retired).toMatchObject([{ trail: 'orders', to: 4, pem: expect.stringContaining('BEGIN PUBLIC KEY') }]);
    expect(retired[0].fingerprint).not.toBe(keys[0].fingerprint);
  });

  it('an append is said to be signed by those keys that signed it, and by none that no longer does', () => {
    const [old, both, now, later] = signers;
    expect(old).toHaveLength(1);
    expect(both).toEqual(expect.arrayContaining([old?.[0], now?.[0]]));
    expect(both).toHaveLength(2);
    expect(now).toHaveLength(1);
    expect(later).toEqual(now);
  });

  it('the exported file is all that a verifier needs, for old trails and for new ones', async () => {
    const trusted = parseTrustedKeys(await text('keys', 'log.pem'));
    expect(trusted.map(({ name, to }) => [name, to])).toEqual([
      [undefined, undefined],
      ['log.example/_access', 2],
      ['log.example/_system', 2],
      ['log.example/orders', 4],
    ]);
    const { code, stdout } = await cli(['verify', at('data', 'archive'), '--key', at('keys', 'log.pem')]);
    expect(stdout).toMatch(/^OK {2}/);
    expect(stdout).toMatch(/\nlater +ok /);
    expect(stdout).toMatch(/\n {2}of log\.example\/orders, sizes to 4\n/);
    expect(code).toBe(0);
  });

  it('proofs from before and across it hold', async () => {
    const files = [at('old.tlog-proof'), at('growth.json')];
    for (const key of [at('keys', 'log.pem'), at('keys', 'orders.vkey')]) {
      const { code, stdout } = await cli(['verify-proof', ...files, '--key', key, '--json']);
      expect(code).toBe(0);
      const [old, growth] = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(growth.from.keys).toEqual(old.keys);
      expect(growth.to.keys).not.toEqual(old.keys);
    }
  });

  it('lines for the old trails alone prove nothing of a new one, and the verdict says so', async () => {
    const { code, stdout } = await cli(['verify', at('data', 'archive'), '--key', at('lines'), '--json']);
    const { trails, problems } = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(trails.map(({ trail, verdict }: { trail: string; verdict: string }) => [trail, verdict])).toEqual(
      expect.arrayContaining([
        ['orders', 'ok'],
        ['later', 'incomplete'],
      ]),
    );
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'no_trusted_key', trail: 'later' }));
  });
});
