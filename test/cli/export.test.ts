import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pemOf } from '../../lib/log/note.ts';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** An export on the command line: a file, what is in it, and the means to prove it to someone who trusts only the key. */

let test: TestLog;
let key: string;
beforeAll(async () => {
  test = await openTestLog();
  const events = Array.from({ length: 300 }, (_, n) => ({
    type: n % 3 === 0 ? 'auth.login' : 'data.update',
    actor: { id: `user-${n % 5}` },
  }));
  for (const path of ['/v1/trails/orders/events']) {
    await test.client('writer').send({ method: 'POST', path, body: JSON.stringify({ events }) });
  }
  key = join(test.folder, 'log.pem');
  const [verifier] = await test.log.ledger.verifiers('orders');
  if (verifier !== undefined) writeFileSync(key, pemOf(verifier));
  writeFileSync(join(test.folder, 'orders.vkey'), `${verifier?.vkey}\n`);
});
afterAll(() => test.close());

const place = (name: string): string => join(mkdtempSync(join(test.folder, 'export-')), name);
const run = (args: readonly string[], columns?: number) =>
  cli(args, { env: test.env('auditor'), ...(columns === undefined ? {} : { columns }) });

describe('sealtrail export', () => {
  it('writes every record, with a manifest that verifies offline', async () => {
    const file = place('orders.ndjson');
    const { code, stdout } = await run(['export', 'orders', '--output', file]);
    expect(stdout).toContain(`300 records in ${file}`);
    expect(code).toBe(0);
    expect(readFileSync(file, 'utf8').split('\n').slice(0, -1)).toHaveLength(300);
    expect(existsSync(`${file}.proof`)).toBe(false);
    const verified = await cli(['verify-export', file, '--key', key]);
    expect(verified.stdout).toContain('They are all that the checkpoint covers.');
    expect(verified.code).toBe(0);
  });

  it('takes the filters of a query, and leaves a proof beside the file where one is needed', async () => {
    const file = place('logins.ndjson.gz');
    const asked = ['export', 'orders', '--output', file, '--gzip', '--type', 'login', '--actor', 'user-1', '--json'];
    const { code, stdout } = await run(asked);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      files: { file, manifest: `${file}.manifest.json`, proof: `${file}.proof`, complete: `${file}.complete` },
      manifest: { records: 20, filters: { type: ['auth.login'], actor: ['user-1'] } },
    });
    expect(gunzipSync(readFileSync(file)).toString().split('\n')).toHaveLength(21);
    const verified = await cli(['verify-export', file, '--key', key, '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      ok: true,
      proven: 'records',
      complete: 'filters',
      records: 20,
    });
    const said = await cli(['verify-export', file, '--key', key]);
    expect(said.stdout).toContain('No other record of the period passes them');
  });

  it.each(['json', 'csv', 'ocsf', 'parquet'])('writes %s, of which the log states the file', async (format) => {
    const file = place(`orders.${format}`);
    expect((await run(['export', 'orders', '--output', file, '--format', format])).code).toBe(0);
    const verified = await cli(['verify-export', file, '--key', key]);
    expect(verified.stdout).toMatch(/^ok {2}/);
    expect(verified.stdout).toContain('The log states the manifest. Each record by itself is not proven');
    expect(verified.code).toBe(0);
    const told = await cli(['verify-export', file, '--key', key, '--json']);
    expect(JSON.parse(told.stdout)).toMatchObject({
      ...{ ok: true, verdict: 'ok', proven: 'file', vouched: 'log', unproven: [] },
    });
  });

  it('says what is not proven where the log’s statement is not there, or cannot be checked', async () => {
    for (const [format, proven] of [
      ['csv', 'file'],
      ['ndjson', 'records'],
    ] as const) {
      const file = place(`orders.${format}`);
      await run(['export', 'orders', '--output', file, '--format', format]);
      // A vkey of the trail reaches `_system`, which states the manifest, unless it is limited to sizes of the trail.
      const vkey = join(test.folder, 'orders.vkey');
      expect((await cli(['verify-export', file, '--key', vkey])).code).toBe(0);
      const limited = place('orders.keys');
      writeFileSync(limited, `${readFileSync(vkey, 'utf8').trim()} from=0\n`);
      const forTrail = await cli(['verify-export', file, '--key', limited, '--json']);
      expect(forTrail.code).toBe(3);
      expect(JSON.parse(forTrail.stdout)).toMatchObject({ ok: false, verdict: 'unproven', vouched: 'unknown-key' });
      const { statement: _, ...manifest } = JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'));
      writeFileSync(`${file}.manifest.json`, JSON.stringify(manifest));
      const stripped = await cli(['verify-export', file, '--key', key, '--json']);
      expect(stripped.code).toBe(3);
      expect(JSON.parse(stripped.stdout)).toMatchObject({
        ...{ ok: false, verdict: 'unproven', proven, vouched: 'nobody' },
        unproven: expect.arrayContaining(['requestedBy', 'requestedAt']),
      });
      const told = await cli(['verify-export', file, '--key', key]);
      expect(told.stdout).toMatch(
        /^unproven {2}.*The log does not state the manifest: nothing proves what it says of id, /,
      );
    }
  });

  it.each<[string, (known: { edited: object; statement: object }) => object]>([
    ['another requester', () => ({ requestedBy: 'someone' })],
    ['other filters', () => ({ filters: { actor: ['user-1'] } })],
    ['another time', () => ({ requestedAt: 1 })],
    ['another file', ({ edited }) => ({ file: edited })],
    ['the statement of another export', ({ statement }) => ({ statement })],
  ])('finds a manifest with %s, and a file made to fit', async (_, change) => {
    const [file, second] = [place('orders.csv'), place('second.csv')];
    for (const output of [file, second]) await run(['export', 'orders', '--output', output, '--format', 'csv']);
    const read = (path: string) => JSON.parse(readFileSync(`${path}.manifest.json`, 'utf8'));
    const text = Buffer.from(readFileSync(file, 'utf8').replace('user-1', 'user-2'));
    const edited = { bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
    const changed: Record<string, unknown> = { ...change({ edited, statement: read(second).statement }) };
    if (changed.file === edited) writeFileSync(file, text);
    writeFileSync(`${file}.manifest.json`, JSON.stringify({ ...read(file), ...changed }));
    const verified = await cli(['verify-export', file, '--key', key]);
    expect(verified.stdout).toMatch(/^wrong {2}.*(not the one that the log stated|of something else)\.\n$/);
    expect(verified.code).toBe(1);
  });

  it('goes on with an export that was asked for before', async () => {
    const first = place('a.csv');
    const { stdout } = await run(['export', 'orders', '--output', first, '--format', 'csv', '--json']);
    const { manifest } = JSON.parse(stdout);
    const second = place('b.csv');
    const { code, stderr } = await run(['export', 'orders', '--output', second, '--resume', manifest.id], 80);
    expect(code).toBe(0);
    expect(stderr).toContain('written');
    expect(stderr).not.toContain('beginning');
    expect(readFileSync(second)).toEqual(readFileSync(first));
  });

  it('says how to go on when the server cannot be reached any more', async () => {
    const file = place('c.csv');
    const id = '0123456789abcdef0123456789abcdef';
    const away = { ...test.env('auditor'), SEALTRAIL_ENDPOINT: 'http://127.0.0.1:1' };
    const { code, stderr } = await cli(['export', 'orders', '--output', file, '--resume', id], { env: away });
    expect(code).toBe(2);
    expect(stderr).toContain(`Go on with: sealtrail export orders --output ${file} --resume ${id}\n`);
    const gone = await run(['export', 'orders', '--output', file, '--resume', id]);
    expect(gone.stderr).toContain('no such export');
    expect(gone.stderr).not.toContain('Go on with');
  });

  it('touches nothing that is there, and leaves nothing half done', async () => {
    const file = place('orders.csv');
    writeFileSync(`${file}.manifest.json`, 'mine');
    const { code, stderr } = await run(['export', 'orders', '--output', file]);
    expect(stderr).toContain('is there already: choose another name, or remove it');
    expect(code).toBe(2);
    expect(readdirSync(join(file, '..'))).toEqual(['orders.csv.manifest.json']);
  });

  it.each([
    [['export', 'orders', '--output', 'x', '--format', 'xml'], 'xml'],
    [['export', 'orders', '--output', 'x', '--type', 'No Type'], 'type: must be a type'],
    [['export', 'orders', '--output', 'x', '--from', 'last week'], 'from: must be a time'],
    [['export', 'nowhere', '--output', 'x'], 'trail nowhere has no records'],
    [['export', 'orders', '--output', 'x', '--resume', 'y'], '--resume takes the id of an export'],
    [['export', 'orders', '--output', '/nowhere/x'], '/nowhere is no folder that can be written to'],
    [['export', 'orders'], '--output'],
  ])('refuses %j', async (args, words) => {
    const { code, stderr } = await run(args);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
    expect(existsSync('x')).toBe(false);
  });
});

describe('sealtrail verify-export', () => {
  async function exported(): Promise<string> {
    const file = place('logins.ndjson');
    await run(['export', 'orders', '--output', file, '--type', 'login']);
    return file;
  }
  const verify = (file: string) => cli(['verify-export', file, '--key', key]);

  it.each<[string, (lines: string[]) => string[], string]>([
    [
      'changed',
      (lines) => lines.with(5, (lines[5] ?? '').replace('auth.login', 'auth.logon')),
      'it does not pass the filter type',
    ],
    ['removed', (lines) => lines.toSpliced(5, 1), 'the proof has more hashes|fewer hashes|lines'],
    ['added', (lines) => lines.toSpliced(5, 0, lines[5] ?? ''), 'out of order'],
    ['moved', (lines) => [...lines.slice(0, 5), lines[6] ?? '', lines[5] ?? '', ...lines.slice(7)], 'out of order'],
  ])('finds a line that was %s', async (_, damage, words) => {
    const file = await exported();
    writeFileSync(file, `${damage(readFileSync(file, 'utf8').split('\n').slice(0, -1)).join('\n')}\n`);
    const { code, stdout } = await verify(file);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(new RegExp(`^wrong .*(${words})`));
    expect(code).toBe(1);
  });

  it('finds a proof or a manifest that was changed, and a key that signed nothing of it', async () => {
    const file = await exported();
    const proof = readFileSync(`${file}.proof`);
    writeFileSync(`${file}.proof`, proof.with(40, (proof[40] ?? 0) ^ 1));
    expect((await verify(file)).code).toBe(1);
    writeFileSync(`${file}.proof`, proof);
    expect((await verify(file)).code).toBe(0);
    const manifest = readFileSync(`${file}.manifest.json`, 'utf8');
    writeFileSync(`${file}.manifest.json`, manifest.replace('"records": 100', '"records": 99'));
    expect((await verify(file)).stdout).toContain('there are 100 lines, the manifest says 99');
    writeFileSync(`${file}.manifest.json`, manifest);
    const other = join(test.folder, 'other.vkey');
    const vkey = readFileSync(join(test.folder, 'orders.vkey'), 'utf8');
    writeFileSync(other, vkey.replace('log.example/orders', 'log.example/others'));
    expect((await cli(['verify-export', file, '--key', other])).code).not.toBe(0);
  });

  it('finds filters that the lines do not pass, and who did not ask for it', async () => {
    const file = await exported();
    const manifest = JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'));
    const lie = (what: object): void =>
      writeFileSync(`${file}.manifest.json`, JSON.stringify({ ...manifest, ...what }));
    lie({ filters: { type: ['auth.logout'] } });
    const { code, stdout } = await verify(file);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/^wrong line 1, record \d+: it does not pass the filter type\./);
    expect(code).toBe(1);
    lie({ requestedBy: 'someone else' });
    const requester = await verify(file);
    expect(requester.stdout).toContain('the manifest is not the one that the log stated');
    expect(requester.code).toBe(1);
  });

  it('says when there is nothing to check', async () => {
    const file = await exported();
    rmSync(file);
    expect((await verify(file)).stderr).toContain(`cannot read ${file}`);
    expect((await verify('nothing')).code).toBe(2);
    writeFileSync(`${file}.manifest.json`, '{}');
    expect((await verify(file)).stderr).toContain('the manifest is not one of an export');
  });
});
