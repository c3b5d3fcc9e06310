import type { AttributeValue, Context, DynamoDBRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer } from '../../functions/gateway.ts';
import { withTelemetry } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { TrailVerification } from '../../functions/trail-verification.ts';
import { buildBlock } from '../../lib/ledger/items/block.ts';
import { blockKey } from '../../lib/ledger/items/layout.ts';
import { packBody, storeBlock } from '../../lib/ledger/items/stored-block.ts';
import { ZERO_HASH } from '../../lib/log/hash.ts';
import { append, type Deployed, deploy, QUERY, router } from './deployed.ts';
import { type Call, gatewayEvent } from './events.ts';
import { capturePrinted } from './printed.ts';

/** What an event says stays out of the logs, which others may read and which are kept for other times. */

const printed = capturePrinted();
const CONTEXT = { awsRequestId: '1', functionName: 'Append', getRemainingTimeInMillis: () => 30_000 } as Context;
const FOREVER = new AbortController().signal;
/** In an event's every text, and in nothing else. */
const SECRET = 'needle';
const EVENT = {
  type: 'data.update',
  actor: { id: SECRET, ip: '192.0.2.1' },
  resource: { type: 'order', id: SECRET },
  context: { tenant: SECRET, request: SECRET },
  changes: { before: { name: SECRET }, after: { name: `${SECRET}s` } },
  description: SECRET,
  details: { [SECRET]: [SECRET] },
};

let deployed: Deployed;
beforeEach(async () => {
  deployed = await deploy();
});
afterEach(() => expect(printed.text()).not.toContain(SECRET));

/** A call through all that a function has around its work. */
const invoke = (call: Call) =>
  withTelemetry((event: ReturnType<typeof gatewayEvent>) =>
    answer(event, { router, services: async () => deployed.log, actions: ['append', 'read', 'verify', 'admin'] }),
  )(gatewayEvent(call), CONTEXT);
const sweep = () => withTelemetry(() => new TrailFollowing(deployed.log).sweep(FOREVER))({}, CONTEXT);

describe('nothing of an event is printed', () => {
  it('when it is sealed, found, followed and verified', async () => {
    expect(await invoke(append('orders', EVENT))).toMatchObject({ statusCode: 201 });
    const found = { route: QUERY, parameters: { trail: 'orders' }, query: `actor=${SECRET}&resource=${SECRET}` };
    expect(await invoke(found)).toMatchObject({ statusCode: 200, body: expect.stringContaining(SECRET) });
    await sweep();
    await withTelemetry(() => new TrailVerification(deployed.log).run(FOREVER))({}, CONTEXT);
    expect(printed.all('VerificationFailures')).toEqual([0]);
    expect(printed.text()).toContain('/v1/trails/orders/events');
  });

  it('when it is refused', async () => {
    const call = append('orders', EVENT);
    const refused: Partial<Call>[] = [
      { body: `{"type":"data.update","${SECRET}":1}` },
      { body: `{"type":"data.update","description":"${SECRET}` },
      { body: `{"type":"data.update","actor":{"id":["${SECRET}"]}}` },
      { body: SECRET, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
      { headers: { 'content-type': SECRET } },
      { route: QUERY, query: `cursor=${SECRET}` },
    ];
    for (const one of refused) {
      const { statusCode = 0 } = (await invoke({ ...call, ...one })) ?? {};
      expect(Math.trunc(statusCode / 100)).toBe(4);
    }
  });

  it('when someone edits it in the table, and the stream tells of it', async () => {
    await invoke(append('orders', EVENT));
    const { partition, sort } = blockKey('orders', 0);
    const image = (body: string): Record<string, AttributeValue> => ({
      ...{ partition: { S: partition }, sort: { S: sort } },
      _body: { S: body },
    });
    const record: DynamoDBRecord = {
      ...{ eventID: 'c4ca4238', eventName: 'MODIFY' },
      dynamodb: {
        Keys: { partition: { S: partition }, sort: { S: sort } },
        ...{ OldImage: image(SECRET), NewImage: image(`${SECRET}s`), SequenceNumber: '1' },
      },
    };
    await withTelemetry(() => new TrailFollowing(deployed.log).batch([record], FOREVER))({}, CONTEXT);
    expect(printed.text()).toContain('the ledger was changed from outside');
  });

  it('when what is stored is no JSON any more, and an error would quote it', async () => {
    await invoke(append('orders', EVENT));
    const runs = [{ submitter: 'shop', events: [`{"description":${SECRET}}`] }];
    const forged = buildBlock({ trail: 'orders', first: 0, prev: ZERO_HASH, receivedAt: 1 }, runs);
    await deployed.table.transact(
      storeBlock(forged, await packBody(runs), { commit: 'c' }).map((write) =>
        'put' in write ? { put: write.put } : write,
      ),
    );
    await expect(sweep()).rejects.toThrow('1 trails could not be followed');
    await withTelemetry(() => new TrailVerification(deployed.log).run(FOREVER))({}, CONTEXT);
    expect(printed.text()).toContain('a follower failed');
    expect(printed.all('VerificationFailures')).toEqual([1]);
  });
});
