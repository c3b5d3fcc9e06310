import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { cli } from './in-process.ts';

async function archivedLog(): Promise<string> {
  const dir = await temporaryFolder();
  const log = await openEmbedded(dir, { logName: 'log.example' });
  const json = '{"id":"a","severity":"info","type":"auth.login"}';
  await log.ledger.append({ trail: 'orders', submitter: 'shop', events: [{ id: 'a', json }] });
  await log.archiver.seal('orders');
  await log.close();
  return dir;
}

describe('sealtrail rebuild', () => {
  it('says what is behind, changes nothing, and with --yes completes it', async () => {
    const dir = await archivedLog();
    expect(await cli(['rebuild', dir])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^The database holds all/),
    });
    await rm(join(dir, 'sealtrail.db'));
    const looked = await cli(['rebuild', dir]);
    expect(looked).toMatchObject({ code: 1, stderr: '' });
    expect(looked.stdout).toMatch(
      /^behind {2}orders: 0 records in the database, 1 in the archive\n(?:.*\n)*.*sealtrail rebuild DIR --yes\n$/,
    );
    expect(JSON.parse((await cli(['rebuild', dir, '--json'])).stdout)).toEqual({
      trails: [{ trail: 'orders', state: 'behind', database: 0, archived: 1 }],
    });
    const { code, stdout } = await cli(['rebuild', dir, '--yes']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^rebuilt {2}orders: records 0 to 0; it goes on with record 1\nlost {5}orders: what was acknowledged after record 0, /,
    );
    expect(stdout).toMatch(/\nlog\.example\/orders\+\S+ to=1\nlog\.example\/orders\+\S+ from=2\n$/);
    expect((await cli(['rebuild', dir, '--yes', '--json'])).stdout).toBe('{"trails":[]}\n');
    expect((await cli(['doctor', dir])).stdout).toContain('history: the database is as new as the archive');
  });

  it('refuses a folder without an archive', async () => {
    expect(await cli(['rebuild', await temporaryFolder()])).toMatchObject({ code: 2 });
  });
});
