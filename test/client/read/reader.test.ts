import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AuditLogger, createAuditLogger } from '../../../lib/client/index.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { startProxiedLog } from '../proxy.ts';

/** What programs ask a log, on a real one. */

async function filled(): Promise<AuditLogger> {
  const proxied = await startProxiedLog();
  const audit = createAuditLogger({ api: { ...proxied.api, trail: 'orders', batchDelay: 5 } });
  for (let n = 0; n < 30; n++) audit.auth(n % 3 === 0 ? 'login_failed' : 'login', { actor: { id: `user-${n % 5}` } });
  audit.actionRequested('a-1', { decision: 'require_approval', context: { agent: 'agent-7' } });
  audit.actionExecuted('a-1', 12, { context: { agent: 'agent-7' } });
  await audit.flush();
  return audit;
}

describe('a reader', () => {
  it('counts exactly', async () => {
    const audit = await filled();
    const { total, by, histogram } = await audit.reader.summary({ bucket: 'day', top: 1 });
    expect(total).toBe(32);
    expect(by.type).toMatchObject({ values: [{ value: 'auth.login', count: 20 }], distinct: 4, others: 12 });
    expect(histogram.counts.reduce((sum, { count }) => sum + count, 0)).toBe(32);
    expect((await audit.reader.summary({ to: 0 })).total).toBe(0);
    const { byOutcome, last, ...activity } = await audit.reader.activity('user-1', 1);
    expect(activity).toMatchObject({ total: 6, byType: { distinct: 2 } });
    expect([byOutcome.others, last?.seq]).toEqual([0, 26]);
    await audit.close();
  });

  it('tells what an agent did, in order', async () => {
    const audit = await filled();
    const types: unknown[] = [];
    for await (const { event } of audit.reader.actionHistory('agent-7')) types.push([event.type, event.decision]);
    expect(types).toEqual([
      ['action.requested', 'require_approval'],
      ['action.executed', 'allow'],
    ]);
    const all: unknown[] = [];
    for await (const { event } of audit.reader.actionHistory('agent-7', 'all')) all.push(event.type);
    expect(all.length).toBeGreaterThanOrEqual(types.length);
    await audit.close();
  });

  it('has the log verify itself, all of it, what is new, or certain records', async () => {
    const audit = await filled();
    const full = await audit.reader.verifyIntegrity('full');
    expect(full).toMatchObject({ verdict: 'ok', from: 0, to: 32, problems: [], moreProblems: 0 });
    audit.custom('invoice.paid');
    await audit.flush();
    expect(await audit.reader.verifyIntegrity()).toMatchObject({ verdict: 'ok', to: 33 });
    const range = await audit.reader.verifyIntegrity({ from: 5, to: 6 });
    expect(range).toMatchObject({ mode: 'range', range: { from: 5, to: 6 }, verdict: 'ok' });
    await expect(audit.reader.verifyIntegrity({ to: 34 })).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'to',
      message: 'to: must not be above 33, the trail’s size',
    });
    await audit.close();
  });

  it('exports to a file with its manifest, and never over one that is there', async () => {
    const audit = await filled();
    const file = join(await temporaryFolder(), 'logins.ndjson');
    const { manifest, files } = await audit.reader.export(file, { format: 'ndjson', type: ['auth.login'] });
    const bytes = await readFile(files.file);
    expect(bytes.toString().trimEnd().split('\n')).toHaveLength(20);
    expect(manifest).toMatchObject({ records: 20, format: 'ndjson', file: { bytes: bytes.length } });
    expect(manifest.file.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(JSON.parse(await readFile(files.manifest, 'utf8'))).toEqual(manifest);
    await writeFile(files.manifest, 'mine');
    await expect(audit.reader.export(file, { format: 'csv' })).rejects.toMatchObject({ code: 'usage' });
    expect(await readFile(files.manifest, 'utf8')).toBe('mine');
    await audit.close();
  });

  it('passes on what the server refuses', async () => {
    const audit = await filled();
    await expect(audit.reader.query({ outcome: 'bad' }).next()).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'outcome',
    });
    await expect(audit.reader.proof(99)).rejects.toMatchObject({ code: 'not_found' });
    await expect(audit.reader.activity('user-1', 0)).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'days',
    });
    await audit.close();
  });
});
