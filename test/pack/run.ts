import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Packs the package, installs it into an empty folder as a stranger would, and uses it: the command line, each entry
 * point, the types, and the construct in an app. Needs the registry, so it is a script of its own and not a part of `npm test`.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-pack-'));

const sh = (command: string, args: readonly string[], cwd = folder): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function expectThat(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok ${what}`);
}

try {
  const [packed] = JSON.parse(sh('npm', ['pack', '--json', '--pack-destination', folder], ROOT).replace(/^[^[]*/, ''));
  const names: string[] = packed.files.map((file: { path: string }) => file.path);
  expectThat('it holds no test and no TypeScript source', !names.some((n) => /^test\/|(?<!\.d)\.ts$/.test(n)));

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  sh('npm', ['install', '--no-audit', '--no-fund', `./${packed.filename}`]);

  expectThat('the command says its version', /\d+\.\d+\.\d+/.test(sh('npx', ['sealtrail', '--version'])));
  for (const entry of ['sealtrail', 'sealtrail/client', 'sealtrail/log']) {
    const count = Number(sh('node', ['-e', `import('${entry}').then((m) => console.log(Object.keys(m).length))`]));
    expectThat(`${entry} exports ${count} names`, count > 0);
  }

  const use = `
    import { writeFile } from 'node:fs/promises';
    import { FolderObjects, openEmbedded, parseTrustedKeys, verifyArchive } from 'sealtrail';
    const log = await openEmbedded('./data', { logName: 'pack.example' });
    const event = { id: 'first', json: '{"id":"first","severity":"info","type":"system.startup"}' };
    const receipt = await log.ledger.append({ trail: 'first', submitter: 'me', events: [event] });
    console.log(JSON.stringify({ first: receipt.first, sealed: receipt.sealed }));
    await log.archiver.seal('first');
    const [key] = await log.ledger.verifiers('first');
    await log.close();
    const archive = await FolderObjects.openReadOnly('./data/archive');
    const { verdict } = await verifyArchive(archive, { trust: parseTrustedKeys(key.vkey) });
    await archive.close();
    console.log(verdict);
    await writeFile('log.vkey', key.vkey);
  `;
  writeFileSync(join(folder, 'use.mjs'), use);
  const used = sh('node', ['use.mjs']);
  expectThat('it appends, seals and verifies', used === '{"first":0,"sealed":true}\nok\n');
  const report = sh('npx', ['sealtrail', 'verify', 'data/archive', '--key', 'log.vkey', '--workers', '2']);
  expectThat('the command verifies with threads', report.startsWith('OK  1 record in 1 trail'));

  // Those who deploy bring the CDK along: it is an optional peer.
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const peers = ['aws-cdk-lib', 'constructs'].map((name) => `${name}@${devDependencies[name]}`);
  sh('npm', ['install', '--no-audit', '--no-fund', ...peers]);
  const app = `
    import { App, Stack } from 'aws-cdk-lib';
    import { Sealtrail } from 'sealtrail/cdk';
    const app = new App({ outdir: 'cdk.out' });
    const stack = new Stack(app, 'Audit');
    new Sealtrail(stack, 'Log', { logName: 'pack.example' });
    app.synth();
  `;
  writeFileSync(join(folder, 'app.mjs'), app);
  sh('node', ['app.mjs']);
  const assembly = join(folder, 'cdk.out');
  const { Resources } = JSON.parse(readFileSync(join(assembly, 'Audit.template.json'), 'utf8'));
  const types = Object.values<{ Type: string }>(Resources).map(({ Type }) => Type);
  expectThat('an app with the construct has a table', types.includes('AWS::DynamoDB::Table'));
  const bundles = readdirSync(join(ROOT, 'dist/lambda'));
  const assets = readdirSync(assembly)
    .filter((name) => name.startsWith('asset.'))
    .map((name) => statSync(join(assembly, name, 'index.mjs')).size);
  expectThat(`it deploys the ${assets.length} functions of the package`, assets.length === bundles.length);

  const typed = `
    import { openEmbedded, type Embedded } from 'sealtrail';
    import { createAuditLogger } from 'sealtrail/client';
    import { parseCheckpoint, type Checkpoint } from 'sealtrail/log';
    import type { SealtrailProps } from 'sealtrail/cdk';
    export const props: SealtrailProps = { logName: 'pack.example' };
    export const log: Promise<Embedded> = openEmbedded('./data');
    export const checkpoint: Checkpoint = parseCheckpoint('');
    createAuditLogger({ memory: {} }).log({ type: 'system.startup' });
    // @ts-expect-error: a number is no name, and the types say so
    export const wrong: SealtrailProps = { logName: 7 };
  `;
  writeFileSync(join(folder, 'typed.ts'), typed);
  const strict = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024', 'typed.ts'];
  sh(join(ROOT, 'node_modules/.bin/tsc'), strict);
  expectThat('its types are those of its parts', true);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
