import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installedBytes } from './installed-bytes.ts';

/**
 * Packs the package, installs it into an empty folder as a stranger would, and uses it: the command line, each entry
 * point, and the types. Then the same with the client as a package of its own. Needs the registry, so it is a script of its own and not a part of `npm test`.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-pack-'));

const sh = (command: string, args: readonly string[], cwd = folder): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** Packs a folder that has been built. @returns the tarball's path and its files */
function packed(root: string, ...flags: readonly string[]): { readonly tarball: string; readonly names: string[] } {
  const [made] = JSON.parse(
    sh('npm', ['pack', '--json', ...flags, '--pack-destination', folder], root).replace(/^[^[]*/, ''),
  );
  return { tarball: join(folder, made.filename), names: made.files.map((file: { path: string }) => file.path) };
}

/** Checks what is published as a registry's linters do. */
function lint(tarball: string): void {
  sh('npm', ['run', '-s', 'lint:package', '--', tarball], ROOT);
  expectThat('publint finds nothing in it', true);
  sh('npm', ['run', '-s', 'lint:types', '--', tarball], ROOT);
  expectThat('each entry has the types of its code, for who imports and for who requires', true);
}

/** The most that an install of the client may bring, in bytes: five packages of AWS's, and our own. */
const CLIENT_BYTES = 8_000_000;

/** Installs the client by itself, as an application does, and uses it. */
function useClient(tarball: string): void {
  const where = join(folder, 'application');
  mkdirSync(where);
  writeFileSync(join(where, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  sh('npm', ['install', '--no-audit', '--no-fund', tarball], where);
  const bytes = installedBytes(join(where, 'node_modules'));
  expectThat(`an application gets ${(bytes / 1e6).toFixed(1)} MB with it`, bytes <= CLIENT_BYTES);
  for (const entry of ['client', 'client/receipt', 'client/express', 'client/middy'].map(
    (name) => `@sealtrail/${name}`,
  )) {
    const required = sh('node', ['-p', `Object.keys(require('${entry}')).sort().join()`], where);
    const all = `import('${entry}').then((m) => console.log(Object.keys(m).sort().join()))`;
    expectThat(`${entry} is the same required and imported`, required === sh('node', ['-e', all], where));
  }
  const use = `
    import { createAuditLogger } from '@sealtrail/client';
    const audit = createAuditLogger({ memory: {}, file: { dir: 'audit' } });
    await audit.logAndSeal({ type: 'auth.login', details: { password: 'hunter2' } });
    await audit.close();
  `;
  writeFileSync(join(where, 'use.mjs'), use);
  sh('node', ['use.mjs'], where);
  const [name = ''] = readdirSync(join(where, 'audit'));
  expectThat('it logs, and redacts', readFileSync(join(where, 'audit', name), 'utf8').includes('[redacted]'));
}

/** Packages in the versions that we use ourselves. */
function pinned(...names: readonly string[]): string[] {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return names.map((name) => `${name}@${devDependencies[name]}`);
}

function expectThat(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok ${what}`);
}

try {
  const { tarball, names } = packed(ROOT);
  expectThat('it holds no test and no TypeScript source', !names.some((n) => /^test\/|(?<!\.d)\.ts$/.test(n)));
  lint(tarball);

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  sh('npm', ['install', '--no-audit', '--no-fund', tarball]);

  expectThat('the command says its version', /\d+\.\d+\.\d+/.test(sh('npx', ['sealtrail', '--version'])));
  for (const entry of ['sealtrail', 'sealtrail/client', 'sealtrail/receipt', 'sealtrail/log', 'sealtrail/testing']) {
    const count = Number(sh('node', ['-e', `import('${entry}').then((m) => console.log(Object.keys(m).length))`]));
    expectThat(`${entry} exports ${count} names`, count > 0);
  }

  for (const entry of ['sealtrail/client', 'sealtrail/receipt', 'sealtrail/log']) {
    const required = sh('node', ['-p', `Object.keys(require('${entry}')).sort().join()`]);
    const imported = sh('node', ['-e', `import('${entry}').then((m) => console.log(Object.keys(m).sort().join()))`]);
    expectThat(`${entry} can be required, and has the names that it has when imported`, required === imported);
  }

  const typed = `
    import { createAuditLogger, type AuditLogger } from 'sealtrail/client';
    import { readReceipt } from 'sealtrail/receipt';
    const audit: AuditLogger = createAuditLogger({ memory: {}, level: 'info' });
    audit.log({ type: 'a.b' }).receipt.then((receipt) => receipt && readReceipt(receipt.receipt).first.toFixed());
    // @ts-expect-error
    audit.log({ kind: 'a.b' });
  `;
  writeFileSync(join(folder, 'typed.mts'), typed);
  writeFileSync(join(folder, 'typed.cts'), typed);
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  const strict = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'node16', ...types];
  sh(join(ROOT, 'node_modules/.bin/tsc'), [...strict, 'typed.mts', 'typed.cts']);
  expectThat('its types hold for who imports and for who requires, without looking away', true);

  const use = `
    import { openEmbedded } from 'sealtrail';
    import { sampleEvents } from 'sealtrail/testing';
    const log = await openEmbedded('./data', { logName: 'pack.example' });
    const receipt = await log.ledger.append({ trail: 'first', submitter: 'me', events: sampleEvents('first', 1) });
    console.log(JSON.stringify({ first: receipt.first, sealed: receipt.sealed }));
    await log.close();
  `;
  writeFileSync(join(folder, 'use.mjs'), use);
  expectThat('it appends and seals', sh('node', ['use.mjs']).includes('{"first":0,"sealed":true}'));

  const driver = `
    import { downloadsContract, objectsContract, signerContract, tableContract } from 'sealtrail/testing/contracts';
    import { MemoryDownloads, MemoryObjects, MemorySigner, MemoryTable, type Table } from 'sealtrail/testing';
    class MyTable extends MemoryTable {}
    let table = new MyTable();
    const open = async (): Promise<Table> => (table = table.restarted());
    tableContract('MyTable', { open });
    let objects = new MemoryObjects();
    objectsContract('MyObjects', { keepsVersions: true, open: async () => (objects = objects.restarted()) });
    let downloads = new MemoryDownloads();
    downloadsContract('MyDownloads', {
      open: async () => (downloads = downloads.restarted()),
      follow: async (link) => downloads.follow(link),
    });
    const signer = new MemorySigner();
    signerContract('MySigner', { algorithm: 'ed25519', open: async () => signer });
  `;
  sh('npm', ['install', '--no-audit', '--no-fund', ...pinned('vitest', 'fast-check')]);
  writeFileSync(join(folder, 'driver.test.mts'), driver);
  sh(join(ROOT, 'node_modules/.bin/tsc'), [...strict, '--skipLibCheck', 'driver.test.mts']);
  sh('npx', ['vitest', 'run', 'driver.test.mts']);
  expectThat("the contract suites run in a driver author's own tests", true);

  sh('npm', ['install', '--no-audit', '--no-fund', ...pinned('aws-cdk-lib', 'constructs')]);
  const app = `
    import { App, Stack } from 'aws-cdk-lib';
    import { Sealtrail } from 'sealtrail/cdk';
    const app = new App();
    const stack = new Stack(app, 'Mine');
    new Sealtrail(stack, 'Audit', { logName: 'audit.example.com' });
    const { Resources } = app.synth().getStackByName('Mine').template;
    console.log(Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function').length);
  `;
  writeFileSync(join(folder, 'app.mjs'), app);
  const functions = Number(sh('node', ['app.mjs']));
  expectThat(`an app of someone else's has the construct, with ${functions} functions`, functions >= 5);

  // Built with the whole.
  const client = packed(join(ROOT, 'packages/client'), '--ignore-scripts');
  lint(client.tarball);
  useClient(client.tarball);

  const released = sh('node', ['build/release.ts', '--dry-run'], ROOT);
  expectThat('a release would publish both', (released.match(/^would publish sealtrail-/gm) ?? []).length === 2);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
