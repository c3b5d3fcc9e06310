import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuditLogger } from '../../lib/client/index.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** A service was killed while the log was away, and does not come back. Its operator sends what it left. */

let test: TestLog;
beforeAll(async () => {
  test = await openTestLog();
});
afterAll(() => test.close());

/** A spool folder in which a process left 5 events in 2 batches. */
async function abandoned(): Promise<string> {
  const spool = await temporaryFolder();
  const audit = createAuditLogger({
    onError: () => undefined,
    api: {
      ...{ trail: 'orders', spool, endpoint: 'http://127.0.0.1:1', batchEvents: 3, flushTimeout: 5000 },
      credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
    },
  });
  for (let n = 0; n < 5; n++) audit.log({ type: 'invoice.paid', details: { n } });
  await audit.close();
  return spool;
}

describe('spool', () => {
  it('shows what waits and what was set aside, and changes nothing', async () => {
    const spool = await abandoned();
    await writeFile(`${spool}/refused-1.json`, '{}');
    const before = await readdir(spool, { recursive: true });
    const { code, stdout } = await cli(['spool', spool]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^waiting +5 events in 2 batches, .* KB, the oldest since 20.*Z, of processes that are gone/,
    );
    expect(stdout).toContain('refused-1.json: the log refused it, or it is damaged');
    const { waiting, running, setAside } = JSON.parse((await cli(['spool', spool, '--json'])).stdout);
    expect({ waiting, running, setAside }).toMatchObject({
      ...{ waiting: { batches: 2, events: 5 }, running: { batches: 0, events: 0 }, setAside: ['refused-1.json'] },
    });
    expect(await readdir(spool, { recursive: true })).toEqual(before);
  });

  it('sends it, once', async () => {
    const spool = await abandoned();
    const env = test.env('writer');
    const unnamed = await cli(['spool', spool, '--send'], { env });
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('--trail')]);
    const sent = await cli(['spool', spool, '--send', '--trail', 'orders'], { env });
    expect(sent).toMatchObject({ code: 0, stdout: 'sent  5 events in 2 batches: the log has them.\n' });
    const found = await cli(['query', 'orders', '--format', 'ndjson'], { env: test.env('auditor') });
    expect(found.stdout.trim().split('\n')).toHaveLength(5);
    expect((await cli(['spool', spool, '--send'], { env })).stdout).toBe(`empty  Nothing waits in ${spool}.\n`);
  });

  it('says what is left where the log does not take it', async () => {
    const spool = await abandoned();
    const env = test.env('auditor');
    const { code, stderr } = await cli(['spool', spool, '--send', '--trail', 'orders'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/2 batches left, 0 batches set aside in .*: /);
    expect(JSON.parse((await cli(['spool', spool, '--json'])).stdout).waiting.events).toBe(5);
  });

  it('of a folder that there is not is an error', async () => {
    const folder = await temporaryFolder();
    expect((await cli(['spool', `${folder}/none`])).code).toBe(2);
    await mkdir(`${folder}/some`);
    expect((await cli(['spool', `${folder}/some`])).stdout).toMatch(/^empty/);
  });
});
