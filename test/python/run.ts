import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { serveLog } from '../../lib/server/serve.ts';
import { judgedArchives } from './archives.ts';

/**
 * Builds the Python package and tests what was built: linters and types, its tests against a real server and against 200
 * damaged archives that our verifier judged, and every block of docs/python.md. Then the same tests on every other Python
 * that it is for and that is found here. Needs python3 and a package registry, so it is a script of its own.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const PACKAGE = join(ROOT, 'packages/python');
const ENVIRONMENT = join(ROOT, '.venv/python');
const DAMAGED = 200;
/** That the package says it is for. */
const VERSIONS = ['3.9', '3.10', '3.11', '3.12', '3.13', '3.14'];

const work = mkdtempSync(join(tmpdir(), 'sealtrail-python-'));
const log = await openEmbedded(join(work, 'tour/log'), { logName: 'python.example', mlDsa: true });
const server = await serveLog(log, { log: () => undefined, onError: (error) => console.error(error) });
try {
  const python = makeEnvironment(ENVIRONMENT, ['-r', join(import.meta.dirname, 'requirements.txt')]);
  const bin = join(ENVIRONMENT, 'bin');
  await check('ruff finds nothing', join(bin, 'ruff'), ['check', '--no-cache', 'src', 'tests']);
  await check('and would format nothing', join(bin, 'ruff'), ['format', '--no-cache', '--check', 'src', 'tests']);
  await check('mypy finds nothing', join(bin, 'mypy'), ['--cache-dir', join(work, 'mypy'), 'src']);
  await check('nothing needs more than Python 3.9', join(bin, 'vermin'), [
    '-t=3.9-',
    '--violations',
    '--eval-annotations',
    '--no-tips',
    'src',
  ]);

  await check('wheel and sdist are built', python, [
    '-m',
    'build',
    '--no-isolation',
    '--outdir',
    join(work, 'dist'),
    '.',
  ]);
  const built = readdirSync(join(work, 'dist')).sort();
  const [wheel = ''] = built.filter((name) => name.endsWith('.whl'));
  if (built.length !== 2 || wheel === '') throw new Error(`built were ${built.join(', ')}`);
  const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--force-reinstall', join(work, 'dist', wheel)];
  await check('the wheel installs', python, install);

  // First, as the page verifies an archive in which nothing else goes on.
  await check('every block of docs/python.md runs', 'bash', ['-euc', script()], work);
  const judged = [];
  for await (const archive of judgedArchives(join(work, 'archives'), DAMAGED)) judged.push(archive);
  writeFileSync(join(work, 'judged.json'), JSON.stringify(judged));
  await check('all tests pass on what was installed', python, [
    '-m',
    'pytest',
    '-q',
    '-p',
    'no:cacheprovider',
    'tests',
  ]);
  await testOnOthers(join(work, 'dist', wheel));
} finally {
  await server.close();
  await log.close();
  rmSync(work, { recursive: true, force: true });
}

function makeEnvironment(folder: string, install: readonly string[], command = 'python3'): string {
  execFileSync(command, ['-m', 'venv', folder], { stdio: 'inherit' });
  const python = join(folder, 'bin/python');
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...install], { stdio: 'inherit' });
  return python;
}

// The server lives in this process, so it must not be blocked while a command runs.
async function check(what: string, command: string, args: readonly string[], cwd = PACKAGE): Promise<void> {
  const env = {
    ...process.env,
    SEALTRAIL_ENDPOINT: server.url,
    SEALTRAIL_JUDGED: join(work, 'judged.json'),
    AWS_SHARED_CREDENTIALS_FILE: log.folder.credentialsFile,
    PYTHONDONTWRITEBYTECODE: '1',
    ...{ AWS_PROFILE: 'admin', AWS_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true' },
  };
  try {
    await promisify(execFile)(command, args, { cwd, env, maxBuffer: 1 << 26 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }; // As execFile rejects.
    throw new Error(`NOT SO: ${what}\n${stdout}\n${stderr}`, { cause: error });
  }
  console.log(`ok ${what}`);
}

/** The blocks of the page one after the other; the server is there, and so is the package. */
function script(): string {
  const shims = join(work, 'bin');
  mkdirSync(shims);
  const shim = (name: string, does: string): void =>
    writeFileSync(join(shims, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 });
  shim('npx', `shift; exec "${process.execPath}" "${join(ROOT, 'bin/sealtrail.ts')}" "$@"`);
  shim('python', `exec "${join(ENVIRONMENT, 'bin/python')}" "$@"`);
  const page = readFileSync(join(ROOT, 'docs/python.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(sh|python)\n(.*?)^```$/gms)].map(([, language = '', code = '']) =>
    language === 'python' ? `python - <<'BLOCK'\n${code}BLOCK\n` : code,
  );
  const ours = blocks.filter((block) => !/^(pip install|npx sealtrail serve|export )/.test(block));
  if (ours.length < 6) throw new Error('docs/python.md has lost its blocks');
  return [`export PATH="${shims}:$PATH"`, ...ours].join('\n');
}

/** The command that runs a version of Python, by name or by pyenv; undefined if it is not here. */
function commandOf(version: string): string | undefined {
  const named = `python${version}`;
  const managed = spawnSync('pyenv', ['versions', '--bare'], { encoding: 'utf8' }).stdout?.split('\n') ?? [];
  const full = managed.find((one) => one.trim().startsWith(`${version}.`))?.trim();
  const root =
    full === undefined ? undefined : spawnSync('pyenv', ['prefix', full], { encoding: 'utf8' }).stdout.trim();
  const candidates = [named, ...(root === undefined ? [] : [join(root, 'bin/python')])];
  const says = (command: string): string =>
    spawnSync(command, ['-c', 'import sys; print(*sys.version_info[:2], sep=".")'], { encoding: 'utf8' }).stdout ?? '';
  return candidates.find((command) => says(command).trim() === version);
}

/** The same tests, but for the libraries that are extras, on the oldest and the newest Python that are here. */
async function testOnOthers(wheel: string): Promise<void> {
  const found = VERSIONS.flatMap((version) => {
    const command = commandOf(version);
    return command === undefined ? [] : [{ version, command }];
  });
  console.log(`-- of Python ${VERSIONS.join(', ')} there are ${found.map(({ version }) => version).join(', ')}`);
  for (const { version, command } of [...new Set([found[0], found.at(-1)])].filter((one) => one !== undefined)) {
    const python = makeEnvironment(join(work, `python${version}`), [wheel, 'pytest'], command);
    const tests = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--ignore', 'tests/test_archives.py', 'tests'];
    await check(`the tests pass on Python ${version}`, python, tests);
  }
}
