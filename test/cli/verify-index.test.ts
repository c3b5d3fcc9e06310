import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { Archiver } from '../../lib/followers/archive/archiver.ts';
import { pemOf } from '../../lib/log/note.ts';
import { FolderObjects } from '../../lib/store/folder/objects.ts';
import { TRAIL } from '../query/fixture.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { ProvenTrail } from '../verify/answers/fixture.ts';
import { cli } from './in-process.ts';

/** What the index states is evidence only as far as `_index` itself was verified. */

let archive: string;
let key: string;

beforeEach(async () => {
  const folder = await temporaryFolder();
  [archive, key] = [join(folder, 'archive'), join(folder, 'log.pem')];
  const trail = new ProvenTrail();
  const { table, ledger } = trail;
  await trail.append([{ id: 'e-1', actor: { id: 'ann' } }]);
  await trail.index();
  const objects = await FolderObjects.open(archive);
  const archiver = new Archiver({ objects, table, ledger });
  for (const name of [TRAIL, '_index']) await archiver.seal(name);
  await objects.close();
  await writeFile(key, (await ledger.verifiers(TRAIL)).map(pemOf).join(''));
});

const verify = (...args: readonly string[]) => cli(['verify', archive, '--key', key, '--index', ...args]);

describe('verify --index', () => {
  it.each([[[]], [['--trail', TRAIL]]])('holds what _index states against the records: %j', async (args) => {
    const { code, stdout } = await verify(...args);
    expect(stdout).toContain('Index: 1 runs are what their records make them.');
    expect(stdout).toContain('_index');
    expect(code).toBe(0);
  });

  it('of one trail verifies _index too: statements that were taken out are missed', async () => {
    await rm(join(archive, '_index'), { recursive: true });
    expect((await verify('--trail', TRAIL)).code).not.toBe(0);
  });

  it('refuses a segment that unpacks to more than its name says', async () => {
    const days = join(archive, '_index', 'records');
    const [day = ''] = await readdir(days);
    const [segment = ''] = await readdir(join(days, day));
    await rm(join(days, day, segment));
    await writeFile(join(days, day, segment), gzipSync(Buffer.alloc(1_000_000, 'a')));
    const { code, stderr } = await verify();
    expect(stderr).toContain('does not hold the records that its name says');
    expect(code).not.toBe(0);
  });

  it('takes no range of records, since runs are of any length', async () => {
    const { code, stderr } = await verify('--from', '0');
    expect(stderr).toContain('--index');
    expect(code).toBe(2);
  });

  it('is part of the command that a report says to repeat', async () => {
    const { stdout } = await verify('--trail', TRAIL, '--json');
    expect(JSON.parse(stdout).program.command).toMatch(/ --trail payments --trail _index --index$/);
  });
});
