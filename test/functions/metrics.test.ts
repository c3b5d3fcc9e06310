import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// Read by Powertools when it is loaded, as the stack sets it.
vi.hoisted(() => {
  process.env.POWERTOOLS_SERVICE_NAME = 'Audit';
});

import { answer } from '../../functions/gateway.ts';
import { logger, UNITS, withTelemetry } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { TrailVerification } from '../../functions/trail-verification.ts';
import { exportsIn } from '../../functions/wiring.ts';
import { followList, verifyList } from '../../functions/work-lists.ts';
import { blockKey } from '../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { parsePolicy } from '../../lib/log/policy.ts';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { S3Downloads } from '../../lib/store/s3/downloads.ts';
import { append, type Deployed, deploy, router, wired } from './deployed.ts';
import { type Call, gatewayEvent } from './events.ts';
import { capturePrinted } from './printed.ts';

/** Metrics are what a function prints: here every one of them is read from there. */

const printed = capturePrinted();
const CONTEXT = { awsRequestId: '1', functionName: 'Append', getRemainingTimeInMillis: () => 30_000 } as Context;
const FOREVER = new AbortController().signal;

const seen = new Set<string>();
afterEach(() => {
  for (const { units } of printed.metrics()) for (const name of Object.keys(units)) seen.add(name);
});

let deployed: Deployed;
beforeEach(async () => {
  deployed = await deploy();
});

/** A call through all that a function has around its work. */
const invoke = (call: Call) =>
  withTelemetry((event: ReturnType<typeof gatewayEvent>) =>
    answer(event, { router, services: async () => deployed.log, actions: ['append', 'read', 'admin'] }),
  )(gatewayEvent(call), CONTEXT);
const sweep = (following: TrailFollowing) => withTelemetry(() => following.sweep(FOREVER))({}, CONTEXT);
const verify = () => withTelemetry(() => new TrailVerification(deployed.log).run(FOREVER))({}, CONTEXT);

const EVENT = '{"actor":{"id":"ann"},"type":"data.update"}';

describe('an append', () => {
  it('prints how many events it sealed, of how many bytes, and how long they waited for a signature', async () => {
    await invoke({ ...append('orders'), body: `{"events":[${EVENT},${EVENT},${EVENT}]}` });
    const [line, ...others] = printed.metrics();
    expect(others).toEqual([]);
    expect(line).toMatchObject({ namespace: 'Sealtrail', dimensions: [['service']], service: 'Audit' });
    expect(line?.units).toEqual({ Events: 'Count', Bytes: 'Bytes', SealLag: 'Milliseconds' });
    expect(line?.values).toMatchObject({ Events: [3], SealLag: [expect.any(Number)] });
    const lines: string[] = [];
    for await (const block of deployed.log.ledger.blocks('orders', { from: 0, to: 3 })) lines.push(...block.lines);
    const sealed = lines.map((record) => JSON.stringify(JSON.parse(record).event).length);
    const lineFeeds = 2;
    expect(line?.values.Bytes).toEqual([sealed.reduce((sum, bytes) => sum + bytes, lineFeeds)]);
  });

  it('that is repeated seals nothing, and counts nothing', async () => {
    const call = append('orders');
    const repeated = { ...call, headers: { ...call.headers, 'idempotency-key': 'order-1' } };
    await invoke(repeated);
    await invoke(repeated);
    expect(printed.all('Events')).toEqual([1]);
  });

  it('that loses the race to another instance counts a conflict, and goes through', async () => {
    const { table, objects, signer } = deployed;
    const other = wired({ table, objects, signers: [signer] });
    const services = async () => ({ ...deployed.log, ledger: other.ledger });
    await invoke(append('orders'));
    await answer(gatewayEvent(append('orders')), { router, services, actions: ['append'] });
    expect(printed.all('Conflicts')).toEqual([]);
    await invoke(append('orders'));
    expect(printed.all('Conflicts')).toEqual([1]);
    expect((await deployed.log.ledger.head('orders'))?.size).toBe(3);
  });

  it('that finds the table busy counts each time that it tries again', async () => {
    const busy = new SealtrailError('throttled', 'DynamoDB is busy');
    await invoke(append('orders')); // makes what a deployment makes once
    vi.spyOn(deployed.table, 'transact').mockRejectedValueOnce(busy).mockRejectedValueOnce(busy);
    await invoke(append('orders'));
    expect(printed.all('Retries')).toEqual([1, 1]);
  });

  it('that could not sign counts as unsealed, and has no lag before it is sealed', async () => {
    deployed.signer.failures = [new Error('KMS is away')];
    await invoke(append('orders'));
    expect(printed.all('Unsealed')).toEqual([1]);
    expect(printed.all('SealLag')).toEqual([]);
  });

  it('whose time is ahead of the clock counts, once in five minutes', async () => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    await invoke(append('orders'));
    clock.mockRestore();
    await invoke(append('orders'));
    expect(printed.all('ClockBehind')).toEqual([1]);
  });

  it('that fails inside counts as an error of the server', async () => {
    vi.spyOn(deployed.log.ledger, 'append').mockRejectedValue(new SealtrailError('store_corrupt', 'no head'));
    await invoke(append('orders'));
    expect(printed.all('ServerErrors')).toEqual([1]);
  });
});

describe('an export', () => {
  it('that fails counts, also when it is tried again', async () => {
    await invoke(append('orders'));
    const client = s3Client({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    const put = mockClient(client).on(PutObjectCommand).resolvesOnce({}); // what asks for it
    put.rejects(new S3ServiceException({ name: 'AccessDenied', $fault: 'client', $metadata: { httpStatusCode: 403 } }));
    const exports = await exportsIn(deployed.log, new S3Downloads({ client, bucket: 'exports' }));
    const spec = { format: 'csv', compression: 'none', filters: {} } as const;
    const { id } = await exports.request('orders', spec, { name: 'auditor' });
    // Lambda tries again what its function throws.
    await expect(withTelemetry(() => exports.run('orders', id))({}, CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await exports.get('orders', id)).toMatchObject({ state: 'queued', attempts: 1 });
    expect(printed.all('ExportFailures')).toEqual([1]);
  });
});

describe('a sweep', () => {
  it('prints how long anything has been waiting, though it waits no more when the sweep is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    deployed = await deploy(); // by that clock
    deployed.signer.failures = [new Error('KMS is away')];
    await invoke(append('orders'));
    vi.setSystemTime(Date.now() + 90_000);
    const following = new TrailFollowing(deployed.log);
    await sweep(following);
    expect(printed.all('ArchiveLag')).toEqual([90_000]);
    // What waited, and how long it had waited when it was signed; and the record in `_system` that the trail began.
    expect(printed.all('SealLag')).toEqual([90_000, 0, 90_000]);
    await sweep(following);
    expect(printed.all('ArchiveLag')).toEqual([90_000, 0]);
    vi.useRealTimers();
  });

  it('prints how long the heads have been waiting for witnesses, and logs why', async () => {
    const warned = vi.spyOn(logger, 'warn').mockImplementation(() => undefined);
    const vkey = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
    // No one listens there.
    const policy = parsePolicy(`witness W ${vkey} http://127.0.0.1:1/\nquorum W\n`);
    await invoke(append('orders'));
    const following = new TrailFollowing(deployed.log, {}, { policy });
    await sweep(following);
    await followList(deployed.table).note('_heads'); // as the stream does
    await sweep(following);
    expect(printed.all('WitnessLag')).toEqual([expect.any(Number), expect.any(Number)]);
    expect(warned).toHaveBeenCalledWith('a witness does not cosign', { witness: 'W', reason: expect.any(String) });
  });

  it('prints how long seals have been waiting for a time-stamp', async () => {
    vi.spyOn(logger, 'warn').mockImplementation(() => undefined);
    await invoke(append('orders'));
    // No one listens there.
    await sweep(new TrailFollowing(deployed.log, {}, { timestamps: { url: 'http://127.0.0.1:1/' } }));
    expect(printed.all('TimestampLag')).toEqual([expect.any(Number)]);
  });

  it('goes on past a trail that was tampered with, and counts both', async () => {
    await invoke(append('orders'));
    await invoke(append('payments'));
    await deployed.table.transact([{ remove: blockKey('orders', 0) }]);
    await expect(sweep(new TrailFollowing(deployed.log))).rejects.toThrow('1 trails could not be followed');
    expect(printed.all('Tampering').length).toBeGreaterThan(0);
    expect(printed.all('FollowerFailures').length).toBeGreaterThan(0);
    expect(await deployed.log.archiver.status('payments')).toMatchObject({ archived: 1 });
  });
});

describe('a verification', () => {
  it('prints a zero where all is well, and the number of damaged trails where it is not', async () => {
    await invoke(append('orders'));
    await verify();
    await invoke(append('orders'));
    await verifyList(deployed.table).note('orders'); // as the function that archives them does
    await deployed.table.transact([{ remove: blockKey('orders', 1) }]);
    await verify();
    expect(printed.all('VerificationFailures')).toEqual([0, 1]);
  });
});

it('every metric there is was printed by one of the tests above', () => {
  expect([...seen].sort()).toEqual(Object.keys(UNITS).sort());
});
