import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { serveLog } from '../../lib/server/serve.ts';
import { cli } from '../cli/in-process.ts';
import { NOW, RECEIVED } from './shop.ts';

/** Every question of docs/cookbook.md is asked here, and the page shows the answers: `vitest -u` writes them into it. */

const FILE = join(import.meta.dirname, '../../docs/cookbook.md');
const page = readFileSync(FILE, 'utf8');
/** A command, and what it prints. */
const QUESTION = /```sh\nsealtrail ([^\n]*)\n```\n\n```text\n(.*?)```/gs;

let close: () => Promise<void>;
let env: Record<string, string>;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealtrail-cookbook-'));
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(RECEIVED[0]?.[0] ?? NOW) });
  const data = join(folder, 'data');
  const log = await openEmbedded(data, { logName: 'shop.example', settings: { pii: 'include' } });
  const server = await serveLog(log, { log: () => undefined, onError: (error) => expect.fail(String(error)) });
  close = async () => {
    await server.close();
    await log.close();
  };
  env = {
    SEALTRAIL_ENDPOINT: server.url,
    AWS_SHARED_CREDENTIALS_FILE: join(data, 'credentials'),
    AWS_PROFILE: 'admin',
  };
  let count = 0;
  for (const [at, events] of RECEIVED) {
    vi.setSystemTime(new Date(at));
    const first = count;
    const input = events.map((event, n) => JSON.stringify({ id: `e-${first + n}`, ...event })).join('\n');
    count += events.length;
    expect(await cli(['append', 'shop'], { env, input })).toMatchObject({ code: 0, stderr: '' });
  }
  vi.setSystemTime(new Date(NOW));
});
afterAll(async () => {
  await close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** The words of a command line, some of them in quotes. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? '');

describe('the cookbook', () => {
  it('answers twenty questions with what it shows', { timeout: 60_000 }, async () => {
    let asked = page;
    let count = 0;
    for (const [block, command = '', shown = ''] of page.matchAll(QUESTION)) {
      const args = words(command).map((word) => (word.startsWith('tour/') ? join(folder, word.slice(5)) : word));
      const { stdout, stderr } = await cli(args, { env });
      // Each log has a key of its own.
      const said = `${stdout}${stderr}`.replaceAll(`${folder}/`, 'tour/').replaceAll(/[0-9a-f]{64}/g, '…');
      asked = asked.replace(block, () => block.replace(`\`\`\`text\n${shown}`, () => `\`\`\`text\n${said}`));
      count += 1;
    }
    expect(count).toBeGreaterThanOrEqual(20);
    await expect(asked).toMatchFileSnapshot(FILE);
  });
});
