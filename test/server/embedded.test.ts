import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Embedded, type EmbeddedOptions, openEmbedded } from '../../lib/server/embedded.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** A data folder makes itself at the first start, is the same at every other, and says what is wrong with it. */

async function open(dir: string, options?: EmbeddedOptions): Promise<Embedded> {
  const log = await openEmbedded(dir, options);
  onTestFinished(() => log.close());
  return log;
}

const EVENT = { id: 'e-1', json: '{"id":"e-1","severity":"info","type":"auth.login"}' };
const append = (log: Embedded) => log.ledger.append({ trail: 'orders', submitter: 'test', events: [EVENT] });

/** A folder that was used and closed. */
async function usedFolder(): Promise<string> {
  const dir = join(await temporaryFolder(), 'data');
  const log = await openEmbedded(dir, { logName: 'audit.example.com' });
  await append(log);
  await log.close();
  return dir;
}

describe('the first start', () => {
  it('makes all there must be, the secrets for no one else to read', async () => {
    const dir = join(await temporaryFolder(), 'deep/data');
    const log = await open(dir);
    expect(await readdir(dir)).toEqual(
      expect.arrayContaining([
        'access.json',
        'archive',
        'config.json',
        'credentials',
        'mask-secret',
        'sealtrail.db',
        'signing-key.pem',
      ]),
    );
    const modes = async (name: string) => ((await stat(join(dir, name))).mode & 0o777).toString(8);
    expect(await modes('.')).toBe('700');
    expect(await modes('credentials')).toBe('600');
    expect(await modes('signing-key.pem')).toBe('600');
    expect(await modes('mask-secret')).toBe('600');
    expect(log.logName).toMatch(/^[0-9a-f]{16}\.sealtrail\.local$/);
    expect(log.folder.credentialsFile).toBe(join(dir, 'credentials'));
    expect(await readFile(log.folder.credentialsFile, 'utf8')).toMatch(/^\[writer\]\naws_access_key_id = SLTR/);
    const [first] = (await append(log)).checkpoint?.split('\n') ?? [];
    expect(first).toBe(`${log.logName}/orders`);
  });

  it('names each log anew, and never again', async () => {
    const dirs = [join(await temporaryFolder(), 'a'), join(await temporaryFolder(), 'b')] as const;
    const nameOf = async (dir: string) => {
      const log = await openEmbedded(dir);
      await log.close();
      return log.logName;
    };
    const first = await nameOf(dirs[0]);
    expect(await nameOf(dirs[1])).not.toBe(first);
    expect(await nameOf(dirs[0])).toBe(first);
  });

  it('refuses a log name that none can be', async () => {
    const dir = await temporaryFolder();
    await expect(openEmbedded(dir, { logName: 'no name' })).rejects.toMatchObject({
      code: 'invalid_parameter',
      message: `${join(dir, 'config.json')}: logName: must look like audit.example.com`,
      field: 'logName',
    });
  });

  it('says so when there can be no folder', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const dir = join(file, 'data');
    await expect(openEmbedded(dir)).rejects.toMatchObject({
      code: 'unavailable',
      message: `cannot make the data folder ${dir}`,
    });
  });
});

describe('every other start', () => {
  it('finds the same name, key, credentials and records', async () => {
    const dir = join(await temporaryFolder(), 'data');
    const before = await openEmbedded(dir, { logName: 'audit.example.com' });
    const { folder } = before;
    await append(before);
    const [key] = await before.ledger.verifiers('orders');
    await before.close();

    const after = await open(dir);
    expect(after.logName).toBe('audit.example.com');
    expect(after.folder.profiles).toEqual(folder.profiles);
    expect(after.folder.access).toEqual(folder.access);
    expect((await after.ledger.verifiers('orders'))[0]?.vkey).toBe(key?.vkey);
    expect(await after.ledger.record('orders', 0)).toContain('"id":"e-1"');
  });

  it('takes the same log name again, and no other', async () => {
    const dir = await usedFolder();
    await (await openEmbedded(dir, { logName: 'audit.example.com' })).close();
    await expect(openEmbedded(dir, { logName: 'other.example.com' })).rejects.toMatchObject({
      code: 'usage',
      message: `this log is named audit.example.com (in ${join(dir, 'config.json')}), not other.example.com: its name cannot change`,
    });
  });

  it('makes the rest where the first one was cut off', async () => {
    const dir = join(await temporaryFolder(), 'data');
    const profiles = (await openAndClose(dir)).folder.profiles;
    await rm(join(dir, 'access.json'));
    await writeFile(join(dir, 'access.json.new'), '{"princi');
    expect((await openAndClose(dir)).folder.profiles).toEqual(profiles);
  });

  it('makes new keys for all when credentials and access.json were removed together', async () => {
    const dir = await usedFolder();
    const before = await readFile(join(dir, 'credentials'), 'utf8');
    await rm(join(dir, 'credentials'));
    await rm(join(dir, 'access.json'));
    const { directory, folder } = await openAndClose(dir);
    expect(await readFile(join(dir, 'credentials'), 'utf8')).not.toBe(before);
    for (const { accessKeyId } of folder.profiles) expect(directory.principalOf(accessKeyId)).toBeDefined();
  });

  it.each(['config.json', 'signing-key.pem'])(
    'makes no new %s under records that were made with another',
    async (name) => {
      const dir = await usedFolder();
      await rm(join(dir, name));
      await expect(openEmbedded(dir)).rejects.toMatchObject({
        code: 'not_found',
        message: `${join(dir, name)} is missing, and the records of this log cannot do without it: restore it from a backup`,
      });
    },
  );

  it('makes no new credentials under an access.json that names others', async () => {
    const dir = await usedFolder();
    await rm(join(dir, 'credentials'));
    await expect(openEmbedded(dir)).rejects.toMatchObject({
      code: 'not_found',
      message: `${join(dir, 'credentials')} is missing, and ${join(dir, 'access.json')} cannot do without it: restore it from a backup`,
    });
    expect(await readdir(dir)).not.toContain('credentials');
  });

  it.each<[name: string, text: string, message: string, field?: string]>([
    ['config.json', '{', 'is not JSON'],
    ['config.json', '{"logName":"a.example","colour":1}', 'Unrecognized key: "colour"'],
    ['config.json', '{}', 'logName: Invalid input: expected string, received undefined', 'logName'],
    ['access.json', '{"principals":[{}]}', 'principals[0].name', 'principals[0].name'],
    ['access.json', '{"principals":[]} x', 'is not JSON'],
  ])('says what is wrong in %s: %s', async (name, text, message, field) => {
    const dir = await usedFolder();
    await writeFile(join(dir, name), text);
    const error = { code: 'invalid_parameter', message: expect.stringContaining(message) };
    await expect(openEmbedded(dir)).rejects.toMatchObject(field === undefined ? error : { ...error, field });
  });

  it('tells of a folder that others can look into', async () => {
    const dir = await usedFolder();
    await chmod(dir, 0o755);
    const errors: string[] = [];
    await (await openEmbedded(dir, { onError: (error) => errors.push(String(error)) })).close();
    expect(errors).toEqual([expect.stringContaining(`can look into ${dir} (mode 755): run chmod 700`)]);
  });

  it('refuses secrets that others can read', async () => {
    const dir = await usedFolder();
    const file = join(dir, 'credentials');
    await chmod(file, 0o644);
    await expect(openEmbedded(dir)).rejects.toMatchObject({
      code: 'invalid_parameter',
      message: `others can read the secrets in ${file}: run chmod 600 ${file}`,
    });
  });

  it('leaves the folder free when it fails', async () => {
    const dir = await usedFolder();
    const config = await readFile(join(dir, 'config.json'));
    await writeFile(join(dir, 'config.json'), '{');
    await expect(openEmbedded(dir)).rejects.toMatchObject({ code: 'invalid_parameter' });
    await writeFile(join(dir, 'config.json'), config);
    await openAndClose(dir);
  });
});

describe('a second one on the same folder', () => {
  it('is refused, in this process and in another', async () => {
    const dir = await usedFolder();
    await open(dir);
    await expect(openEmbedded(dir)).rejects.toMatchObject({ code: 'in_use' });
    const script = `import('${join(import.meta.dirname, '../../lib/server/embedded.ts')}').then(async (m) => {
      await m.openEmbedded(process.argv[1]).then(() => process.send('open'), (error) => process.send(error.code));
      process.disconnect();
    })`;
    const child = fork('-e', [script, dir], { execArgv: [], stdio: 'inherit' });
    expect(await once(child, 'message')).toEqual(['in_use', undefined]);
  });
});

describe('the end', () => {
  it('can come twice, and appends after it are refused', async () => {
    const log = await openEmbedded(await temporaryFolder());
    await Promise.all([log.close(), log.close()]);
    await expect(append(log)).rejects.toMatchObject({ code: 'unavailable', message: 'the log is shutting down' });
  });

  it('finishes the appends under way', async () => {
    const dir = await temporaryFolder();
    const log = await openEmbedded(dir);
    const appends = Array.from({ length: 20 }, () => append(log));
    await log.close();
    expect((await Promise.all(appends)).map(({ first }) => first)).toEqual([...Array(20).keys()]);
    const again = await open(dir);
    expect((await again.ledger.head('orders'))?.size).toBe(20);
  });
});

async function openAndClose(dir: string): Promise<Embedded> {
  const log = await openEmbedded(dir);
  await log.close();
  return log;
}
