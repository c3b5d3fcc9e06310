import { expect, it } from 'vitest';
import { recordInSystem } from '../../../lib/followers/runtime/system-record.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { openLedger, signer } from '../../ledger/fixture.ts';

/** What the log did or found is a record like any other: in `_system`, under the name of the part that recorded it. */

const EVENT = { type: 'security.alert', severity: 'critical', description: 'a block of trail orders was removed' };
const ledger = () => openLedger(new MemoryTable());

async function recorded(log: ReturnType<typeof ledger>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { lines } of log.blocks('_system', { from: 0, to: 100 })) {
    found.push(...lines.map((line) => JSON.parse(line)));
  }
  return found;
}

it('records an event in _system, by the part of the log that it comes from', async () => {
  const log = ledger();
  await recordInSystem(log, { by: 'sealtrail:watchman', event: EVENT });
  expect(await recorded(log)).toMatchObject([{ trail: '_system', submitter: 'sealtrail:watchman', event: EVENT }]);
  expect(await log.checkpoint('_system')).toMatchObject({ size: 1 });
});

it('records again with each call, and once under a key', async () => {
  const log = ledger();
  for (const once of [undefined, undefined, { key: 'change-7' }, { key: 'change-7' }]) {
    await recordInSystem(log, { by: 'sealtrail', event: EVENT, ...(once && { once }) });
  }
  expect(await recorded(log)).toHaveLength(3);
});

it('refuses another event under the same key, unless what must be the same was named', async () => {
  const log = ledger();
  const other = { ...EVENT, description: 'another block was removed' };
  await recordInSystem(log, { by: 'sealtrail', event: EVENT, once: { key: 'a' } });
  await expect(recordInSystem(log, { by: 'sealtrail', event: other, once: { key: 'a' } })).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
  const once = { key: 'b', bodyHash: 'b' };
  await recordInSystem(log, { by: 'sealtrail:producers', event: EVENT, once });
  await recordInSystem(log, { by: 'sealtrail:producers', event: other, once });
  expect(await recorded(log)).toMatchObject([{ event: EVENT }, { event: EVENT }]);
});

it('does not wait for a signature where the caller does not', async () => {
  signer.failures = [new Error('KMS is away')];
  const log = ledger();
  await recordInSystem(log, { by: 'sealtrail', event: EVENT, wait: false });
  expect(await recorded(log)).toHaveLength(1);
  await log.close();
});
