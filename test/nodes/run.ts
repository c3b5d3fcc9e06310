import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cleanEnvironment, finished, serve } from '../cli/process.ts';

/**
 * The packed client on each Node that it is for, imported and required, against a real server: the tour, and the programs
 * of docs/client.md. Then the packed command line: what an auditor runs, and what asks. Gets the Nodes from the registry, so it is a script of its own and not a part of `npm test`.
 */

/** The first of each line that the client can run on: the line of 20 before `require` took ES modules, and so for 22. */
const NODES = { node20: '20.18.0', node22: '22.11.0' } as const;

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-nodes-'));
const npm = (args: readonly string[], cwd = folder): string =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** The package that holds the executable for this machine. */
const platform = `${process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${process.platform}-${process.arch}`;

/** With the client of the whole package, and then with the client's own. */
const PROGRAMS: Record<string, string> = {
  'import.mjs': `
    import * as client from 'sealtrail/client';
    import * as receipts from 'sealtrail/receipt';
    import * as requests from 'sealtrail/express';
    import { tour } from './client-smoke.mjs';
    await tour(client, receipts, requests, process.argv[2]);`,
  'require.cjs': `
    const client = require('sealtrail/client');
    const receipts = require('sealtrail/receipt');
    const requests = require('sealtrail/express');
    import('./client-smoke.mjs').then(({ tour }) => tour(client, receipts, requests, process.argv[2]));`,
};
for (const name of Object.keys(PROGRAMS)) {
  PROGRAMS[`own-${name}`] = (PROGRAMS[name] ?? '')
    .replace("'sealtrail/client'", "'@sealtrail/client'")
    .replaceAll("'sealtrail/", "'@sealtrail/client/");
}
const PROGRAM = join(folder, 'node_modules/sealtrail/dist/bin/sealtrail.js');

/** What is run on every Node, and what it must say. */
const COMMANDS: readonly (readonly [command: string, expected: RegExp])[] = [
  ['--version', /^\d+\.\d+\.\d+/],
  ['--help', /Exit codes:/],
  ['verify data/archive --key keys/log.pem --trail orders', /^OK {2}\d+ records in /],
  ['verify data/archive --key keys/log.pem --trail orders --workers 2', /^OK {2}\d+ records in /],
  ['verify-proof one.tlog-proof --key keys/log.pem', /^ok /],
  ['verify-receipt receipts.ndjson --key keys/log.pem', /^ok /],
  ['verify-export orders.ndjson --key keys/log.pem', /^ok /],
  ['query orders --actor u7', / u7$/m],
  ['summary orders', /data\.read/],
  ['trails', /^orders /m],
];

/** Puts into the folder what the commands check and ask for, with the command line on our own Node. */
async function prepareEvidence(env: Readonly<Record<string, string>>): Promise<void> {
  const events = Array.from({ length: 300 }, (_, n) => JSON.stringify({ type: 'data.read', actor: { id: `u${n}` } }));
  writeFileSync(join(folder, 'events.ndjson'), events.join('\n'));
  for (const command of [
    'append orders events.ndjson --receipts receipts.ndjson',
    'keys --export keys',
    'proof orders 7 --output one.tlog-proof',
    'export orders --output orders.ndjson',
    'seal orders',
  ]) {
    const child = spawn(process.execPath, [PROGRAM, ...command.split(' ')], {
      cwd: folder,
      env: cleanEnvironment(env),
    });
    const { code, stderr } = await finished(child);
    if (code !== 0) throw new Error(`sealtrail ${command}: exit ${code}\n${stderr}`);
  }
}
const shown = [...readFileSync(join(ROOT, 'docs/client.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];

try {
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], ROOT).replace(/^[^[]*/, ''));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const nodes = Object.entries(NODES).map(([name, version]) => `${name}@npm:${platform}@${version}`);
  // Built with the whole.
  const [client] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], join(ROOT, 'packages/client')),
  );
  npm(['install', '--no-audit', '--no-fund', `./${packed.filename}`, `./${client.filename}`, ...nodes]);
  copyFileSync(join(import.meta.dirname, 'client-smoke.mjs'), join(folder, 'client-smoke.mjs'));
  for (const [file, code] of Object.entries(PROGRAMS)) writeFileSync(join(folder, file), code);
  for (const [i, [, code = '']] of shown.entries()) writeFileSync(join(folder, `docs-${i}.mjs`), code);

  const server = await serve(join(folder, 'data'));
  const executables = Object.keys(NODES).map((name) => join(folder, 'node_modules', name, 'bin/node'));
  for (const node of [...executables, process.execPath]) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    rmSync(join(folder, 'tour'), { recursive: true, force: true });
    for (const file of [...Object.keys(PROGRAMS), ...shown.map((_, i) => `docs-${i}.mjs`)]) {
      const trail = `${version}-${file}`.replace(/[^a-z0-9]+/g, '-');
      const child = spawn(node, [file, trail], { cwd: folder, env: cleanEnvironment(server.env) });
      const { code, stderr } = await finished(child);
      if (code !== 0 || stderr !== '') throw new Error(`${file} on Node ${version}: exit ${code}\n${stderr}`);
      console.log(`ok ${file} on Node ${version}`);
    }
  }
  await prepareEvidence(server.env);
  for (const node of [...executables, process.execPath]) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    for (const [command, expected] of COMMANDS) {
      const { code, stdout, stderr } = await finished(
        spawn(node, [PROGRAM, ...command.split(' ')], { cwd: folder, env: cleanEnvironment(server.env) }),
      );
      if (code !== 0 || stderr !== '' || !expected.test(stdout))
        throw new Error(`sealtrail ${command} on Node ${version}: exit ${code}\n${stdout}${stderr}`);
      console.log(`ok sealtrail ${command} on Node ${version}`);
    }
  }
  if ((await server.stop()) !== 0) throw new Error('the server did not end well');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
