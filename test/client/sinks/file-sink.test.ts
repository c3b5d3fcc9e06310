import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuditLogger } from '../../../lib/client/index.ts';
import { FileSink, periodOf } from '../../../lib/client/sinks/file-sink.ts';
import { temporaryFolder } from '../../store/temporary.ts';

describe('the file sink', () => {
  it('writes one line per event, in order, and begins a new file with each period', async () => {
    const dir = join(await temporaryFolder(), 'a', 'b');
    let now = Date.parse('2026-01-01T00:59:59Z');
    const audit = createAuditLogger({ file: { dir, rotate: 'hourly', clock: () => now } });
    for (let i = 0; i < 1000; i++) audit.log({ type: 'a.b', id: `e-${i}`, description: 'two\nlines' });
    await audit.flush();
    now += 1000;
    await audit.logAndSeal({ type: 'a.c' });
    await audit.close();
    expect(await readdir(dir)).toEqual(['audit-2026-01-01T00.ndjson', 'audit-2026-01-01T01.ndjson']);
    const lines = (await readFile(join(dir, 'audit-2026-01-01T00.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(Array.from({ length: 1000 }, (_, i) => `e-${i}`));
  });

  it.each([
    ['2026-11-21T06:00:00Z', 'hourly', '2026-11-21T06'],
    ['2026-11-21T06:00:00Z', 'daily', '2026-11-21'],
    ['2026-11-21T06:00:00Z', 'weekly', '2026-W47'],
    ['2027-01-03T23:59:59Z', 'weekly', '2026-W53'],
    ['2027-01-04T00:00:00Z', 'weekly', '2027-W01'],
    ['2024-12-30T00:00:00Z', 'weekly', '2025-W01'],
  ] as const)('names %s, %s, as %s', (time, rotate, name) => {
    expect(periodOf(Date.parse(time), rotate)).toBe(name);
  });

  it('records what it had to leave out, even if nothing comes after', async () => {
    const dir = await temporaryFolder();
    const sink = new FileSink({ dir, clock: () => 0, maxEvents: 2, whenFull: 'drop' });
    const audit = createAuditLogger({ sinks: [sink] });
    for (let i = 0; i < 5; i++) audit.log({ type: 'a.b', id: `e-${i}` });
    await audit.close();
    const lines = (await readFile(join(dir, 'audit-1970-01-01.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { id: 'e-0' },
      { id: 'e-1' },
      { type: 'audit.events_dropped', severity: 'error', details: { count: 3 } },
    ]);
  });

  it('leaves the half line of a killed process alone on its line', async () => {
    const dir = await temporaryFolder();
    const clock = (): number => 0;
    await writeFile(join(dir, 'audit-1970-01-01.ndjson'), '{"type":"a.');
    const audit = createAuditLogger({ file: { dir, clock, fsync: 'never' } });
    audit.log({ type: 'a.b', id: 'whole' });
    await audit.close();
    const [torn, whole = ''] = (await readFile(join(dir, 'audit-1970-01-01.ndjson'), 'utf8')).split('\n');
    expect(torn).toBe('{"type":"a.');
    expect(JSON.parse(whole).id).toBe('whole');
  });

  it('keeps what it cannot write, says so, and writes it when it can', async () => {
    const parent = await temporaryFolder();
    const dir = join(parent, 'audit');
    await writeFile(dir, 'in the way');
    const errors: Error[] = [];
    const sink = new FileSink({ dir, onError: (error) => errors.push(error) });
    const audit = createAuditLogger({ sinks: [sink] });
    const handle = audit.log({ type: 'a.b' });
    await expect(audit.flush()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^1 events could not be written to /),
    });
    expect(errors.length).toBeGreaterThan(0);
    await import('node:fs/promises').then(({ rm }) => rm(dir));
    await audit.flush();
    expect(await handle.receipt).toBeUndefined();
    await audit.close();
    await expect(rmdir(dir)).rejects.toMatchObject({ code: 'ENOTEMPTY' });
  });

  it('removes files of its own that are older than it keeps them (source row: retention in days)', async () => {
    const dir = await temporaryFolder();
    const day = 86_400_000;
    const written = Date.now();
    const names = ['audit-2026-01-01.ndjson', 'audit-2026-W01.log', 'audit-notes.ndjson', 'other-2026-01-01.ndjson'];
    for (const name of names) await writeFile(join(dir, name), '');
    let now = written + 6 * day;
    const audit = createAuditLogger({ file: { dir, keepDays: 7, fsync: 'never', clock: () => now } });
    await audit.log({ type: 'a.b' }).receipt;
    const first = `audit-${periodOf(now, 'daily')}.ndjson`;
    expect((await readdir(dir)).sort()).toEqual([...names, first].sort());
    now = written + 8 * day;
    await audit.log({ type: 'a.b' }).receipt;
    await audit.close();
    const kept = (await readdir(dir)).sort();
    expect(kept).toEqual(
      [`audit-${periodOf(now, 'daily')}.ndjson`, 'audit-notes.ndjson', 'other-2026-01-01.ndjson'].sort(),
    );
  });
});
