import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkServer } from '../../../lib/cli/doctor/server-checks.ts';
import { cli } from '../in-process.ts';
import { openSealedLog, type SealedLog } from '../sealed-log.ts';

let log: SealedLog;
const data = (): string => join(log.folder, 'data');

beforeAll(async () => {
  log = await openSealedLog();
});
afterAll(() => log.close());

describe('sealtrail doctor, of a data folder', () => {
  it('finds nothing wrong with one that a server has open', async () => {
    const { code, stdout } = await cli(['doctor', data()]);
    expect(stdout).toContain('ok  config.json: the log is named log.example');
    expect(stdout).toContain('ok  access: 3 principals, each with its credentials');
    // It has no look of its own at what the server compares.
    expect(stdout).toContain('unknown  history: a server has the database open');
    expect(stdout).toMatch(/\n\n9 checks: 0 problems, 1 warning\.\n$/);
    expect(code).toBe(0);
  });

  it.each<readonly [string, () => () => void, RegExp]>([
    [
      'secrets that others can read',
      () => {
        chmodSync(join(data(), 'credentials'), 0o644);
        return () => chmodSync(join(data(), 'credentials'), 0o600);
      },
      /problem {2}credentials: others can read it \(mode 644\)\n {9}chmod 600 .*credentials/,
    ],
    [
      'a folder that others can look into',
      () => {
        chmodSync(data(), 0o755);
        return () => chmodSync(data(), 0o700);
      },
      /warning {2}folder: others on this machine can look into .* \(mode 755\)/,
    ],
    [
      'an archive of another key',
      () => {
        const keys = join(log.archive, 'keys');
        const aside = join(log.archive, 'aside');
        renameSync(keys, aside);
        mkdirSync(keys);
        writeFileSync(join(keys, '00000000.pem'), STRANGER);
        return () => {
          rmSync(keys, { recursive: true });
          renameSync(aside, keys);
        };
      },
      /warning {2}signing key: the archive does not hold the public key [0-9a-f]{64}/,
    ],
  ])('tells of %s', async (_, spoil, expected) => {
    const mend = spoil();
    const { stdout } = await cli(['doctor', data()]);
    mend();
    expect(stdout).toMatch(expected);
  });

  it('ends with 1 for a problem, for programs too', async () => {
    const { code, stdout } = await cli(['doctor', join(log.folder, 'nowhere'), '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).checks).toEqual([
      { what: 'folder', state: 'problem', message: expect.stringContaining('nowhere is not there') },
    ]);
  });
});

describe('sealtrail doctor, of a server', () => {
  it('says what it is, that the clock is right, and that every trail is signed', async () => {
    const { code, stdout } = await cli(['doctor'], { env: log.env('auditor') });
    expect(stdout).toMatch(
      /ok {2}server: http:\/\/127\.0\.0\.1:\d+ is the log log\.example, \d+ ms away; signs with ed25519 /,
    );
    expect(stdout).toContain('ok  trail orders: 300 records, all under a signed checkpoint');
    expect(code).toBe(0);
  });

  it('gives advice of several lines line by line', async () => {
    const { code, stdout } = await cli(['doctor'], { env: { ...log.env('auditor'), AWS_PROFILE: 'nobody' } });
    expect(stdout).toMatch(/^problem {2}server: no AWS credentials [^\n]*nobody/);
    expect(stdout).toMatch(/\n {11}export AWS_SHARED_CREDENTIALS_FILE=DIR\/credentials AWS_PROFILE=admin\n/);
    expect(code).toBe(1);
  });

  it('tells a clock that signatures will not stand, and a log whose clock ran ahead', async () => {
    const late = await checkServer(log.client('auditor'), () => Date.now() - 200_000);
    expect(late.find(({ what }) => what === 'clock')).toMatchObject({
      state: 'problem',
      advice: expect.stringContaining('NTP'),
    });
    expect(late.find(({ what }) => what === 'trail orders')?.message).toMatch(
      /^its newest record is dated .*still to come$/,
    );
  });

  it('says what to do where there is no server, and where it is something else', async () => {
    const env = log.env('auditor');
    const nobody = await cli(['doctor', '--endpoint', 'http://127.0.0.1:9', '--json'], {
      env: { ...env, AWS_PROFILE: 'none' },
    });
    expect(JSON.parse(nobody.stdout).checks[0]).toMatchObject({ what: 'server', state: 'problem' });
    const other = createServer((_, response) => response.end('{"hello":1}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { stdout } = await cli(
      ['doctor', '--endpoint', `http://127.0.0.1:${(other.address() as AddressInfo).port}`],
      { env },
    );
    other.close();
    expect(stdout).toContain('what answers there is not a log of this version');
  });
});

/** An Ed25519 public key that signed nothing here (RFC 8032 section 7.1, test 1). */
const STRANGER = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
`;
