import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { headEvent, headStatement } from '../../../lib/contract/head-statement.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { readStated } from '../../../lib/followers/heads/head-watermark.ts';
import { parseCheckpoint } from '../../../lib/log/checkpoint.ts';
import { parseNote } from '../../../lib/log/note.ts';
import { recordLine } from '../../../lib/log/record.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';
import { WitnessedLog, Witnesses } from '../witnesses/witnessed-log.ts';

const EVERY = { everyMs: 15_000 };

async function setUp() {
  const witnesses = new Witnesses();
  const log = new WitnessedLog(witnesses, { policy: await witnesses.policy(), ...EVERY });
  const lines = async () => {
    const found: string[] = [];
    for await (const block of log.log.ledger.blocks('_heads', { from: 0, to: 100 })) found.push(...block.lines);
    return found.map((line) => headStatement(line));
  };
  return { witnesses, log, lines };
}

it('states the newest archived head of every trail, with the root of its checkpoint', async () => {
  const { log, lines } = await setUp();
  await log.append('orders', 3);
  await log.append('payments', 2);
  await log.state('orders', 'payments');
  const stated = await lines();
  expect(stated).toMatchObject([
    { trail: 'orders', size: 3, seq: 0 },
    { trail: 'payments', size: 2, seq: 1 },
  ]);
  const checkpoint = await log.log.ledger.exactCheckpoint('orders', 3);
  expect(stated[0]?.root).toEqual(parseCheckpoint(parseNote(checkpoint?.note ?? '').text).root);
  expect(await readStated(log.table, 'orders')).toMatchObject({ newest: { size: 3, seq: 0 } });
});

it('states nothing that is not archived, and comes back for it', async () => {
  const { log, lines } = await setUp();
  await log.append('orders', 3);
  await log.heads.run('orders');
  expect(await lines()).toEqual([]);
  expect(log.heads.revisit('orders')).toBe(1000);
  await log.heads.run('_heads');
  await log.heads.run('nothing');
  expect(log.heads.revisit('nothing')).toBeUndefined();
});

it('states a busy trail now and then, and the last of it for sure', async () => {
  const { log, lines } = await setUp();
  await log.append('orders');
  await log.state('orders');
  await log.append('orders');
  await log.state('orders');
  expect(await lines()).toHaveLength(1);
  expect(log.heads.revisit('orders')).toBe(15_000);
  log.now += 16_000;
  await log.state('orders');
  expect(await lines()).toMatchObject([{ size: 1 }, { size: 2 }]);
  expect(log.heads.revisit('orders')).toBeUndefined();
});

it('states many trails in bursts: what comes after one waits for the next', async () => {
  const { log, lines } = await setUp();
  for (const trail of ['a', 'b', 'c']) await log.append(trail);
  await log.state('a', 'b');
  log.now += 6_000;
  await log.state('c');
  expect(await lines()).toHaveLength(2);
  expect(log.heads.revisit('c')).toBeGreaterThan(8_000);
  log.now += 9_500;
  await log.state('c');
  expect(await lines()).toHaveLength(3);
});

it('is repeated by a crash between record and watermark, and by nothing else', async () => {
  const { log, lines } = await setUp();
  await log.append('orders');
  await log.state('orders');
  await log.heads.run('orders');
  expect(await lines()).toHaveLength(1);
});

it('keeps every root as it is: redaction takes none of them for a secret', () => {
  for (let n = 0; n < 300; n++) {
    const root = Buffer.from(hash('sha256', `root ${n}`, 'hex'), 'hex');
    const body = Buffer.from(JSON.stringify(headEvent({ trail: 'orders', size: n, root })));
    const [event] = prepareBatch(body, 'application/json', DEFAULT_POLICY);
    const line = recordLine(
      { trail: '_heads', seq: 7, prev: '0'.repeat(64), receivedAt: 1, submitter: 'sealtrail' },
      event?.json ?? '',
    );
    expect(headStatement(line)).toEqual({ trail: 'orders', size: n, root, seq: 7 });
  }
});
