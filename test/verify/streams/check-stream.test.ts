import { beforeAll, describe, expect, it } from 'vitest';
import { batchEvent, batchJson } from '../../../lib/forward/batch-json.ts';
import type { Batch } from '../../../lib/forward/destination.ts';
import { ecsEvent } from '../../../lib/forward/formats/ecs.ts';
import { parseTrustedKeys, type TrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { checkStream, type StreamExpectations } from '../../../lib/verify/streams/check-stream.ts';
import { ForwardedLog } from '../../followers/forwarding/forwarded-log.ts';

/** The promise: a whole copy passes, and whatever is done to one shows. */

const COUNT = 23;
let batches: readonly Batch[];
let filtered: readonly Batch[];
let trust: TrustedKeys;
let stranger: TrustedKeys;

const trusting = async (log: ForwardedLog): Promise<TrustedKeys> => {
  const spki = Buffer.from(await log.signer.publicKey()).toString('base64');
  return parseTrustedKeys(`spki:${spki}\n`);
};

async function forwarded(filter?: object): Promise<{ log: ForwardedLog; taken: readonly Batch[] }> {
  const log = new ForwardedLog();
  const forwarder = log.forwarder(filter && { filter: filter as { type: string } });
  for (let size = 0; size < COUNT; size++) {
    await log.append('orders', 1, size % 3 === 0 ? 'auth.login' : 'order.paid', { amount: size });
    if (size % 9 === 8) await forwarder.run('orders');
  }
  await forwarder.run('orders');
  return { log, taken: log.destination.taken };
}

beforeAll(async () => {
  const whole = await forwarded();
  batches = whole.taken;
  trust = await trusting(whole.log);
  const some = await forwarded({ type: 'auth.*' });
  filtered = some.taken;
  stranger = await trusting(some.log);
});

const check = async (lines: readonly string[], expected: StreamExpectations = {}, keys = trust) =>
  (await checkStream(lines, keys, expected))[0];
const kinds = async (...asked: Parameters<typeof check>) => [
  ...new Set((await check(...asked))?.findings.map(({ kind }) => kind)),
];
const bodies = (): string[] => batches.map(batchJson);
/** As a SIEM keeps them: each event by itself. */
const events = (): string[] =>
  batches.flatMap((batch) => [...batch.records.map(({ text }) => text), batchEvent(batch)]);
type Body = { from: number; to: number; count: number; records: { seq: number; event: Record<string, unknown> }[] };
/** The bodies with one of them changed. */
const changed = (at: number, change: (body: Body & Record<string, unknown>) => void): string[] =>
  bodies().map((body, n) => {
    if (n !== at) return body;
    const value = JSON.parse(body);
    change(value);
    return JSON.stringify(value);
  });

describe('a whole copy', () => {
  it('is one, batch by batch', async () => {
    expect(batches.length).toBeGreaterThan(5);
    expect(await check(bodies())).toMatchObject({
      ...{ trail: 'orders', log: 'audit.example.com', from: 0, to: COUNT, records: COUNT, repeated: 0 },
      ...{ isFiltered: false, newest: { size: COUNT }, findings: [] },
    });
  });

  it.for([
    ['in any order', () => bodies().reverse()],
    ['event by event', events],
    ['event by event, in any order', () => events().reverse()],
    [
      'with members in another order and spaces',
      () => events().map((line) => JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', '')),
    ],
    ['out of Splunk', () => events().map((line) => JSON.stringify({ preview: false, result: { _raw: line } }))],
    [
      'out of Elasticsearch',
      () => events().map((line) => JSON.stringify({ _index: 'a', _id: 'x', _source: JSON.parse(line) })),
    ],
    ['out of Datadog', () => events().map((line) => JSON.stringify({ ddsource: 'sealtrail', message: line }))],
    [
      'out of EventBridge',
      () => events().map((line) => JSON.stringify({ source: 'sealtrail', detail: JSON.parse(line) })),
    ],
    [
      'as ECS with the original',
      () =>
        batches.flatMap((batch) => [
          ...batch.records.map(({ text }) => ecsEvent(text, batch.log, true)),
          batchEvent(batch),
        ]),
    ],
    ['among other lines', () => ['', 'a line of text', '{"seq":1}', '[1,2]', ...events(), '{"level":"info"}']],
  ] as const)('is one %s', async ([, copy]) => {
    expect(await check(copy())).toMatchObject({ records: COUNT, from: 0, to: COUNT, findings: [] });
  });

  it('may repeat what was delivered twice, if that is allowed', async () => {
    const twice = [...bodies(), bodies()[1] ?? ''];
    expect(await kinds(twice)).toEqual(['doubled']);
    expect(await check(twice, { mayRepeat: true })).toMatchObject({ repeated: 4, findings: [] });
  });
});

describe('an attack', () => {
  const last = COUNT - 1;
  it.for<readonly [string, () => readonly string[], readonly string[], StreamExpectations?]>([
    ['a batch is deleted', () => bodies().toSpliced(2, 1), ['missing']],
    [
      'a record is deleted from a batch',
      () => changed(1, ({ records }) => records.splice(1, 1)),
      ['missing', 'altered'],
    ],
    [
      'a record is deleted, and its batch counts it no more',
      () =>
        changed(1, (body) => {
          body.records.splice(1, 1);
          body.count -= 1;
        }),
      ['missing', 'altered'],
    ],
    ['a record is deleted, event by event', () => events().toSpliced(1, 1), ['missing', 'altered']],
    [
      'a value is changed',
      () => changed(1, ({ records }) => Object.assign(records[0]?.event ?? {}, { type: 'order.lost' })),
      ['altered'],
    ],
    [
      'a record gets another number',
      () => changed(1, ({ records }) => Object.assign(records[0] ?? {}, { seq: 6 })),
      ['altered', 'missing'],
    ],
    ['a record is put in twice', () => [...events(), events()[3] ?? ''], ['doubled']],
    [
      'a record is put in twice, once changed',
      () => [...events(), (events()[3] ?? '').replace('order', 'ordeal')],
      ['altered'],
    ],
    [
      'a proof is another batch’s',
      () => changed(1, (body) => Object.assign(body, { proof: JSON.parse(bodies()[3] ?? '').proof })),
      ['altered'],
    ],
    ['a proof is left out', () => changed(1, (body) => delete body.checkpoint), ['unproven']],
    [
      'a checkpoint’s root is changed',
      () =>
        changed(1, (body) =>
          Object.assign(body, { checkpoint: String(body.checkpoint).replace(/\n.*\n\n/, `\n${'A'.repeat(43)}=\n\n`) }),
        ),
      ['signature'],
    ],
    [
      'a deleted batch is covered by its neighbour',
      () => {
        const [first, , ...rest] = changed(0, (body) => Object.assign(body, { to: 8 }));
        return [first ?? '', ...rest];
      },
      ['missing'],
    ],
    [
      'a batch claims to be of another log',
      () => changed(1, (body) => Object.assign(body, { log: 'other.example.com' })),
      ['signature'],
    ],
    ['the first batch is cut, and its beginning is known', () => bodies().slice(1), ['missing'], { from: 0 }],
    ['the last batch is cut, and the end is known', () => bodies().slice(0, -1), ['missing'], { to: COUNT }],
    [
      'records come without their batch',
      () => events().filter((line) => !line.includes(`"to":${COUNT}`)),
      ['unproven'],
    ],
    ['everything is gone, and something is expected', () => [], ['missing'], { trail: 'orders', from: 0, to: last }],
  ])('%s', async ([, copy, found, expected = {}]) => {
    expect((await kinds(copy(), expected)).sort()).toEqual(expect.arrayContaining([...found].sort()));
  });

  it('with another key is no proof', async () => expect(await kinds(bodies(), {}, stranger)).toEqual(['signature']));

  it('names the records', async () => {
    const stream = await check(bodies().toSpliced(2, 1));
    expect(stream?.findings).toContainEqual({ kind: 'missing', seq: 8, message: 'record 8 is missing' });
    const gap = await check(bodies().toSpliced(1, 1));
    expect(gap?.findings[0]).toMatchObject({ kind: 'missing', seq: 4, lastSeq: 7 });
  });

  it('shows in every byte of a body that is a record', async () => {
    const body = bodies()[1] ?? '';
    const start = body.indexOf('"records":[') + '"records":['.length;
    let unnoticed = 0;
    for (let at = start; at < body.length - 2; at += 7) {
      const flipped = `${body.slice(0, at)}${body[at] === '0' ? '1' : '0'}${body.slice(at + 1)}`;
      if (flipped === body) continue;
      const findings = (await check(bodies().with(1, flipped)))?.findings ?? [];
      if (findings.length === 0) unnoticed += 1;
    }
    expect(unnoticed).toBe(0);
  });
});

describe('a filtered copy', () => {
  it('proves its records, and says that it is filtered', async () => {
    const copy = filtered.map(batchJson);
    expect(await check(copy, {}, stranger)).toMatchObject({ isFiltered: true, records: 8, to: COUNT, findings: [] });
    expect(await kinds(copy.slice(1), { from: 0 }, stranger)).toEqual(['missing']);
    const altered = copy.map((body) => body.replace('auth.login', 'auth.logout'));
    expect(await kinds(altered, {}, stranger)).toEqual(['altered']);
  });

  it('is what a whole one becomes that an attacker calls filtered', async () => {
    const copy = changed(1, (body) => Object.assign(body, { filter: { type: '*' } }));
    expect(await check(copy)).toMatchObject({ isFiltered: true, findings: [] });
  });
});
