import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuditLogger, type LogRecord, type SealtrailError } from '../../../lib/client/index.ts';
import { temporaryFolder } from '../../store/temporary.ts';

/** What is particular to the questions that a file or memory answers; test/client/source-rows.test.ts has what they share with a log. */

const all = (records: AsyncIterable<LogRecord>): Promise<LogRecord[]> => Array.fromAsync(records);
const typesOf = (records: readonly LogRecord[]): string[] => records.map(({ event }) => event.type);

describe('kept in a file', () => {
  it('is read over all of its files, and by the next process', async () => {
    let now = Date.UTC(2026, 0, 1);
    const dir = await temporaryFolder();
    const file = { dir, rotate: 'hourly', fsync: 'never', clock: () => now } as const;
    const before = createAuditLogger({ file });
    for (let n = 0; n < 30; n++) {
      before.log({ type: 'tick.done', details: { n, text: 'é'.repeat(n % 7 === 0 ? 4000 : 3) } });
      await before.flush();
      now += 20 * 60_000;
    }
    await before.close();
    const { reader } = createAuditLogger({ file });
    const counted = async (order: 'newest' | 'oldest') =>
      (await all(reader.query({ order }))).map(({ event }) => event.details?.n);
    const ascending = Array.from({ length: 30 }, (_, n) => n);
    expect(await counted('oldest')).toEqual(ascending);
    expect(await counted('newest')).toEqual(ascending.reverse());
    expect((await all(reader.query({ seq: '29' })))[0]?.event.details).toMatchObject({ n: 29 });
  });

  it('damage is named by the integrity check, told once, and never takes other events away', async () => {
    const dir = await temporaryFolder();
    const errors: SealtrailError[] = [];
    const audit = createAuditLogger({ file: { dir }, onError: (error) => errors.push(error as SealtrailError) });
    audit.log({ type: 'a.first' });
    await audit.flush();
    const [name = ''] = await readdir(dir);
    await appendFile(join(dir, name), '{"type":"a.torn","ti\nnonsense\n');
    audit.log({ type: 'a.last' });
    expect(typesOf(await all(audit.reader.query({ order: 'oldest' })))).toEqual(['a.first', 'a.last']);
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['store_corrupt', `line 2 of ${name} of the file sink is not an event, and is left out of answers`],
    ]);
    expect(await audit.reader.verifyIntegrity()).toMatchObject({
      ...{ verdict: 'damaged', from: 0, to: 4, moreProblems: 0 },
      problems: [
        { kind: 'unreadable', seq: 1, object: `line 2 of ${name}` },
        { kind: 'unreadable', seq: 2, object: `line 3 of ${name}` },
      ],
    });
    await audit.close();
  });

  it('before its first event is empty', async () => {
    const { reader } = createAuditLogger({ file: { dir: join(await temporaryFolder(), 'none') } });
    expect(await reader.recent()).toEqual([]);
    expect(await reader.summary()).toMatchObject({ total: 0, asOf: 0, histogram: { counts: [] } });
    expect(await reader.verifyIntegrity()).toMatchObject({ verdict: 'ok', from: 0, to: 0 });
  });
});

describe('kept in memory', () => {
  it('has a limit, and says what it has let go of (S3)', async () => {
    const logger = createAuditLogger({ memory: { limit: 3 } });
    for (let n = 0; n < 5; n++) logger.custom('tick.done', { details: { n } });
    expect((await all(logger.reader.query())).map(({ seq, event }) => [seq, event.details?.n])).toEqual([
      [4, 4],
      [3, 3],
      [2, 2],
    ]);
    expect(await logger.reader.verifyIntegrity()).toMatchObject({
      ...{ from: 2, to: 5 },
      notLookedAt: [expect.any(String), 'Events 0 to 1, of which the memory sink has let go.'],
    });
  });

  it('gives no proofs, and no formats that only a log makes', async () => {
    const { reader } = createAuditLogger({ memory: {} });
    await expect(reader.proof(0)).rejects.toMatchObject({ code: 'usage' });
    const file = join(await temporaryFolder(), 'x');
    await expect(reader.export(file, { format: 'parquet' })).rejects.toMatchObject({ code: 'usage', field: 'format' });
  });
});
