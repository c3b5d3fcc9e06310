import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cleanEnvironment, finished } from '../cli/process.ts';
import { installedBytes } from '../pack/installed-bytes.ts';
import { lastOf, parseDockerfile, type Stage } from './dockerfile.ts';

/**
 * Does what the Dockerfile says, without an engine for containers: each stage is a folder, whose paths stand in for those of the
 * image. Then starts the image's command as an engine would, asks its health check, logs an event, and stops it. Needs the
 * registry, so it is a script of its own and not a part of `npm test`.
 */

const ROOT = resolve(import.meta.dirname, '../..');
/** The most that the program and its dependencies may take in the image, in bytes. */
const MAX_BYTES = 40_000_000;

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-image-'));
const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const last = stages.at(-1);
if (last === undefined) throw new Error('the Dockerfile has no stage');

function expectThat(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok ${what}`);
}

const rootOf = ({ name = 'image' }: Stage): string => join(folder, name);
/** A text with the paths of an image, where these lie here. There is no user \`node\` here, who would own the data. */
const here = (stage: Stage, text: string): string =>
  text.replaceAll(/(?<![\w./:-])\/(?=(?:opt|build|data)\b)/g, `${rootOf(stage)}/`).replace('-o node -g node ', '');

/** The files that the build may read: those that Git knows, as .dockerignore leaves them. */
function context(): string[] {
  const rules = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  const kept = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
  const known = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return known.split('\n').filter((file) => kept.some((name) => file === name || file.startsWith(`${name}/`)));
}

function copy(stage: Stage, text: string, workdir: string): void {
  const words = text.split(/\s+/);
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
  const to = resolve(workdir, here(stage, words.pop() ?? ''));
  const source = stages.find(({ name }) => from !== undefined && name === from);
  if (source !== undefined) {
    for (const path of words) cpSync(here(source, path), to, { recursive: true });
    return;
  }
  for (const file of context().filter((name) => words.includes('.') || words.includes(name))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(ROOT, file), join(to, file));
  }
  const missing = words.filter((word) => word !== '.' && !context().includes(word));
  if (missing.length > 0) throw new Error(`COPY of what the build does not get: ${missing.join()}`);
}

function build(stage: Stage): void {
  let workdir = rootOf(stage);
  for (const { name, text } of stage.steps) {
    if (name === 'WORKDIR') {
      workdir = here(stage, text);
      mkdirSync(workdir, { recursive: true });
    }
    if (name === 'COPY') copy(stage, text, workdir);
    if (name === 'RUN')
      execFileSync('sh', ['-ec', here(stage, text)], { cwd: workdir, stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

/** A port that is free, in place of the image's own. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const argv = (name: string, port: number): string[] =>
  JSON.parse((lastOf(last, name) ?? '').replace(/^.*?CMD (?=\[)/, '')).map((word: string) =>
    here(last, word).replaceAll('8321', String(port)).replace('0.0.0.0', '127.0.0.1'),
  );

/** Starts the image, waits until it is healthy, does something, and stops it as an engine does. */
async function running(use: (port: number) => Promise<void>): Promise<void> {
  const port = await freePort();
  const [program = '', ...args] = [...argv('ENTRYPOINT', port), ...argv('CMD', port)];
  const child = spawn(program, args, { cwd: folder, env: cleanEnvironment(), stdio: ['ignore', 'ignore', 'inherit'] });
  const healthy = async (): Promise<boolean> => {
    const [check = '', ...checkArgs] = argv('HEALTHCHECK', port);
    return (await finished(spawn(check, checkArgs, { env: cleanEnvironment() }))).code === 0;
  };
  try {
    for (let tries = 0; !(await healthy()); tries++) if (tries > 50) throw new Error('it never was healthy');
    await use(port);
  } finally {
    child.kill('SIGTERM');
  }
  const [code] = await once(child, 'exit');
  expectThat('it stops when it is told to', code === 0);
  expectThat('its health check says so', !(await healthy()));
}

try {
  for (const stage of stages) build(stage);
  const program = here(last, lastOf(last, 'WORKDIR') ?? '');
  const bytes = installedBytes(program);
  expectThat(`the program takes ${(bytes / 1e6).toFixed(1)} MB of the image`, bytes <= MAX_BYTES);
  const cli = (
    port: number,
    args: readonly string[],
    input: string,
  ): Promise<{ code: number | null; stdout: string }> => {
    const [node = '', script = ''] = argv('ENTRYPOINT', port);
    const env = cleanEnvironment({
      SEALTRAIL_ENDPOINT: `http://127.0.0.1:${port}`,
      ...{ AWS_SHARED_CREDENTIALS_FILE: join(rootOf(last), 'data/credentials'), AWS_PROFILE: 'admin' },
    });
    const child = spawn(node, [script, ...args], { cwd: folder, env });
    child.stdin.end(input);
    return finished(child);
  };
  await running(async (port) => {
    const { code } = await cli(port, ['append', 'orders'], '{"type":"auth.login","actor":{"id":"ann"}}');
    expectThat('it takes an event', code === 0);
  });
  await running(async (port) => {
    const { stdout } = await cli(port, ['query', 'orders'], '');
    expectThat('the volume keeps it for the next start', stdout.includes(' ann'));
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
