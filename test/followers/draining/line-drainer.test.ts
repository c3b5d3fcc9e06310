import { describe, expect, it } from 'vitest';
import { LineDrainer } from '../../../lib/followers/draining/line-drainer.ts';
import { enterLine } from '../../../lib/ledger/items/submission.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { checkTrail, events, openLedger } from '../../ledger/fixture.ts';

const leave = async (table: MemoryTable, trail: string, name: string): Promise<void> => {
  const submission = { submitter: 'auditor', events: events(name, 1) };
  await table.transact([(await enterLine(trail, Date.now(), submission, true)).write]);
};

describe('the drainer', () => {
  it('seals every record of a read that is left, once', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 200; n++) await leave(table, '_access', `r${n}`);
    const drainers = [1, 2].map(() => new LineDrainer(openLedger(table, { signs: false })));
    await Promise.all(drainers.map((drainer) => drainer.run('_access')));
    const ids = await checkTrail(table, '_access');
    expect(ids).toHaveLength(200);
    expect(new Set(ids).size).toBe(200);
  });

  it('looks at no other trail', async () => {
    const table = new MemoryTable();
    await new LineDrainer(openLedger(table)).run('orders');
    expect(table.faults.calls).toEqual([]);
  });

  it('stops when it is told to, and goes on the next time', async () => {
    const table = new MemoryTable();
    await leave(table, '_access', 'a');
    const drainer = new LineDrainer(openLedger(table));
    await drainer.run('_access', { signal: AbortSignal.abort() });
    expect(await checkTrail(table, '_access')).toEqual([]);
    await drainer.run('_access');
    expect(await checkTrail(table, '_access')).toEqual(['e-a-0']);
  });
});
