import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

const SAMPLES = join(import.meta.dirname, '../vectors/import');
let log: TestLog;
beforeAll(async () => {
  log = await openTestLog();
});
afterAll(() => log.close());

async function importFile(source: string, trail: string, ...files: readonly string[]) {
  const found = await cli(['import', source, ...files, '--trail', trail, '--json'], { env: log.env('admin') });
  return { ...found, tally: found.stdout === '' ? undefined : JSON.parse(found.stdout) };
}
const size = async (trail: string): Promise<number> => (await log.log.ledger.head(trail))?.size ?? 0;

describe('sealtrail import', () => {
  it.each([
    ['cloudtrail', 'cloudtrail.json', 3],
    ['k8s-audit', 'k8s-audit.ndjson', 3],
    ['github', 'github.json', 3],
    ['okta', 'okta.json', 1],
    ['otlp-json', 'otlp.ndjson', 2],
  ])('%s appends each record once, however often its file is imported', async (source, file, count) => {
    const trail = `from-${source}`;
    const path = join(SAMPLES, file);
    expect(await importFile(source, trail, path)).toMatchObject({
      code: 0,
      tally: { imported: count, present: 0, refused: 0 },
    });
    expect(await importFile(source, trail, path, path)).toMatchObject({
      code: 0,
      tally: { imported: 0, present: 2 * count },
    });
    expect(await size(trail)).toBe(count);
  });

  it('goes on where a file has grown, past what comes twice in it', async () => {
    const file = join(log.folder, 'growing.ndjson');
    const line = (n: number) => `{"type":"a.b","id":"e-${n}"}\n`;
    writeFileSync(file, Array.from({ length: 250 }, (_, n) => line(n)).join('') + line(3));
    expect((await importFile('ndjson', 'growing', file)).tally).toMatchObject({ imported: 250, present: 1 });
    writeFileSync(file, Array.from({ length: 260 }, (_, n) => line(n)).join(''));
    expect((await importFile('ndjson', 'growing', file)).tally).toMatchObject({ imported: 10, present: 250 });
    expect(await size('growing')).toBe(260);
  });

  it('names what is no record, and goes on', async () => {
    const file = join(log.folder, 'mixed.ndjson');
    writeFileSync(file, '{"uuid":"u-1","eventType":"a.b"}\n{"other":1}\n7\n');
    const { code, stderr, tally } = await importFile('okta', 'mixed', file);
    expect([code, tally.imported, tally.refused]).toEqual([2, 1, 2]);
    expect(stderr).toContain('line 2 is no record of this source');
  });

  it('says which file is no JSON, and which source there is none', async () => {
    const file = join(log.folder, 'broken.json');
    writeFileSync(file, '[\n1,');
    const { code, stderr } = await importFile('github', 'broken', file);
    expect([code, stderr]).toEqual([2, expect.stringContaining('broken.json: the document is not valid JSON')]);
    expect((await importFile('gitlab', 'broken', file)).stderr).toContain('Allowed choices are');
  });

  it('must be allowed to read the trail', async () => {
    const args = ['import', 'okta', join(SAMPLES, 'okta.json'), '--trail', 'from-okta'];
    expect((await cli(args, { env: log.env('writer') })).code).toBe(2);
  });
});
