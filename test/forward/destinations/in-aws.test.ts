import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Bucket } from '../../../lib/forward/destinations/bucket.ts';
import { EventBridge } from '../../../lib/forward/destinations/event-bridge.ts';
import { Firehose } from '../../../lib/forward/destinations/firehose.ts';
import type { BusEvent } from '../../../lib/store/streams/event-bridge.ts';
import { itemsIn } from '../../../lib/verify/streams/stream-items.ts';
import { batchOf } from '../batches.ts';

/** The promise: what a service takes in part is put again in part, in groups that it takes. Over a wire: `npm run test:streams`. */

const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const BUSY = { code: 'ServiceUnavailableException', message: 'slow down' };
const seqsIn = (lines: readonly string[]) =>
  lines.flatMap((line) => itemsIn(line).records.map(({ record }) => record.seq));

describe('Firehose', () => {
  it('gets every record and the proof, and again only those that it did not take', async () => {
    const puts: (readonly string[])[] = [];
    const put = async (texts: readonly string[]) => {
      puts.push(texts);
      return texts.map((_, n) => (puts.length < 3 && n === 1 ? BUSY : undefined));
    };
    expect(await new Firehose({ put }).send(batchOf(0, 5, 'record'), signal())).toEqual({ is: 'taken' });
    expect(puts.map(({ length }) => length)).toEqual([6, 1]);
    expect(seqsIn(puts.flat())).toEqual([0, 1, 2, 3, 4, 1]);
    expect(itemsIn(puts[0]?.at(-1) ?? '').headers).toMatchObject([{ from: 0, to: 5 }]);
  });

  it('takes at most 500 records and 4 MB at once', async () => {
    const puts: (readonly string[])[] = [];
    const put = async (texts: readonly string[]) => {
      puts.push(texts);
      return texts.map(() => undefined);
    };
    await new Firehose({ put }).send(batchOf(0, 500, 'record'), signal());
    expect(puts.map(({ length }) => length)).toEqual([500, 1]);
  });

  it('fails where some are never taken', async () => {
    const put = async (texts: readonly string[]) => texts.map(() => BUSY);
    const outcome = await new Firehose({ put }).send(batchOf(0, 2, 'record'), signal());
    expect(outcome).toMatchObject({ is: 'failed', reason: expect.stringContaining('slow down') });
  });
});

describe('EventBridge', () => {
  it('gets ten events at once, each a record or a proof', async () => {
    const puts: (readonly BusEvent[])[] = [];
    const put = async (events: readonly BusEvent[]) => {
      puts.push(events);
      return events.map(() => undefined);
    };
    expect(await new EventBridge({ put }).send(batchOf(0, 23, 'record'), signal())).toEqual({ is: 'taken' });
    expect(puts.map(({ length }) => length)).toEqual([10, 10, 4]);
    const events = puts.flat();
    expect(seqsIn(events.map(({ detail }) => detail))).toEqual(Array.from({ length: 23 }, (_, n) => n));
    expect(events.at(-1)).toMatchObject({ detailType: 'Sealtrail batch', resources: ['audit.example.com/orders'] });
  });

  it('splits by size too', async () => {
    const sizes: number[] = [];
    const put = async (events: readonly BusEvent[]) => {
      sizes.push(events.reduce((sum, { detail }) => sum + detail.length, 0));
      return events.map(() => undefined);
    };
    await new EventBridge({ put }).send(
      batchOf(0, 10, 'record', () => ({ description: 'x'.repeat(50_000) })),
      signal(),
    );
    expect(Math.max(...sizes)).toBeLessThan(240_000);
  });
});

describe('a bucket', () => {
  it('gets an object of lines, and the same object when a batch is sent again', async () => {
    const objects = new Map<string, Uint8Array>();
    const bucket = new Bucket({ put: async (key, body) => void objects.set(key, body) }, 'ext/sealtrail/');
    for (let n = 0; n < 2; n++) expect(await bucket.send(batchOf(7, 9, 'ocsf'), signal())).toEqual({ is: 'taken' });
    const [[key, body] = ['', new Uint8Array()], ...others] = [...objects];
    expect(others).toEqual([]);
    expect(key).toBe('ext/sealtrail/trail=orders/eventDay=20260101/0000000000000007-0000000000000009.json.gz');
    const lines = gunzipSync(body)
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ metadata }) => metadata?.sequence)).toEqual([7, 8, undefined]);
  });
});
