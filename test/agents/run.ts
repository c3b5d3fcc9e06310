import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalize } from 'json-canonicalize';
import { run, type Server, serve } from '../cli/process.ts';
import { connected, filesystemServer, wrapped } from './sdk-client.ts';

/**
 * A thousand calls of the official client of the Model Context Protocol to the official server of files, with and without
 * `sealtrail mcp` between them. Takes a while, so it is a script of its own and not a part of `npm test`.
 */

const CALLS = Number(process.env.SEALTRAIL_CALLS ?? 1000);
const FILES = 20;

interface Answers {
  readonly digests: readonly string[];
  /** Milliseconds of each call, smallest first. */
  readonly times: readonly number[];
}

const sha256 = (value: unknown): string => createHash('sha256').update(canonicalize(value)).digest('hex');
const quantile = (times: readonly number[], q: number): number => times[Math.floor(times.length * q)] ?? 0;
const argumentsOf = (folder: string, n: number) => ({ path: join(folder, `file-${n % FILES}.txt`) });

let passed = 0;
function check(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  passed += 1;
  console.log(`ok ${what}`);
}

async function answers(
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  files: string,
): Promise<Answers> {
  const { client } = await connected(command, env);
  const [digests, times]: [string[], number[]] = [[], []];
  for (let n = 0; n < CALLS; n++) {
    const since = performance.now();
    const answer = await client.callTool({ name: 'read_text_file', arguments: argumentsOf(files, n) });
    times.push(performance.now() - since);
    digests.push(sha256(answer));
  }
  await client.close();
  return { digests, times: times.sort((a, b) => a - b) };
}

async function eventsOf(server: Server, trail: string): Promise<Record<string, Record<string, unknown>>[]> {
  const { stdout } = await run(['query', trail, '--all', '--order', 'oldest', '--format', 'ndjson'], {
    env: server.env,
  });
  return stdout
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).event);
}

/** Sends what a wrapper left in its spool when its client gave it no more time. */
async function settled(server: Server, spool: string, trail: string): Promise<void> {
  await run(['spool', spool, '--send', '--trail', trail], { env: server.env });
}

function told(name: string, { times }: Answers, plain: Answers): void {
  const added = [0.5, 0.95].map((q) => (quantile(times, q) - quantile(plain.times, q)).toFixed(2));
  console.log(`   ${name}: ${added[0]} ms added at the median, ${added[1]} ms at p95`);
}

async function compare(server: Server, folder: string): Promise<void> {
  const files = join(folder, 'files');
  const bare = filesystemServer(files);
  const plain = await answers(bare, {}, files);
  for (const [trail, ...options] of [['spooled'], ['closed', '--fail-closed']] as const) {
    const spool = join(folder, `spool-${trail}`);
    const through = await answers(wrapped(bare, ['--trail', trail, '--spool', spool, ...options]), server.env, files);
    told(trail, through, plain);
    check(`${CALLS} answers are equal, ${trail}`, through.digests.join() === plain.digests.join());
    await settled(server, spool, trail);
    const events = await eventsOf(server, trail);
    const [asked, done] = ['action.requested', 'action.executed'].map((type) =>
      events.filter((event) => String(event.type) === type),
    );
    check(`${CALLS} requests and outcomes are in the log, ${trail}`, asked?.length === CALLS && done?.length === CALLS);
    const isPaired = asked?.every(({ context }, n) => context?.action === done?.[n]?.context?.action);
    check(`each outcome names its request, ${trail}`, isPaired === true);
    const isHashed = asked?.every(({ details }, n) => details?.argumentsSha256 === sha256(argumentsOf(files, n)));
    check(`each request has the digest of its arguments, ${trail}`, isHashed === true);
    const isAnswered = done?.every(({ details }, n) => details?.resultSha256 === plain.digests[n]);
    check(`each outcome has the digest of its answer, ${trail}`, isAnswered === true);
  }
}

/** Its tool never answers: it kills itself with signal 9. */
const SUICIDE = `process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const line of text.split('\\n').filter(Boolean)) {
    const { id, method } = JSON.parse(line);
    const result = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'fragile', version: '1' } };
    if (method === 'initialize') process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
    if (method === 'tools/call') process.kill(process.pid, 'SIGKILL');
  }
});`;

async function killed(server: Server, folder: string): Promise<void> {
  const spool = join(folder, 'spool-killed');
  const { client } = await connected(
    wrapped([process.execPath, '-e', SUICIDE], ['--trail', 'killed', '--spool', spool]),
    server.env,
  );
  const failed = await client.callTool({ name: 'die' }).catch(() => 'failed');
  await client.close();
  await settled(server, spool, 'killed');
  const types = (await eventsOf(server, 'killed')).map(({ type }) => String(type));
  check('a server that is killed in a call fails it', failed === 'failed');
  check('its request is in the log without an outcome', types.join() === 'mcp.initialized,action.requested,mcp.closed');
}

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-agents-'));
mkdirSync(join(folder, 'files'));
for (let n = 0; n < FILES; n++)
  writeFileSync(join(folder, 'files', `file-${n}.txt`), `line of file ${n} – é\n`.repeat(n + 1));
const server = await serve(join(folder, 'data'));
try {
  await compare(server, folder);
  await killed(server, folder);
  console.log(`${passed} passed, 0 failed`);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
