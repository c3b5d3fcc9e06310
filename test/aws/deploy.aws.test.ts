import './localhost.ts';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedHttp } from '../../lib/client/http.ts';
import { blockKey } from '../../lib/ledger/layout.ts';
import { dynamoClient, s3Client } from '../../lib/store/aws-clients.ts';
import { attributeName, keyValue } from '../../lib/store/dynamodb/item.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { verifyArchive } from '../../lib/verify/archive.ts';
import { parseTrustedKeys } from '../../lib/verify/trust.ts';
import { Deployment, type Outputs } from './deployment.ts';
import { EVERYTHING } from './emulated.ts';

/**
 * The stack, deployed with plain `cdk deploy` to whatever the environment points at, and used through its API alone.
 * Nothing here knows that it may be an emulator but `deployment.ts`.
 */

const MINUTES = 60_000;
const deployment = new Deployment(`Sealtrail-test-${process.pid}`, 'audit.example.com');
const trail = 'orders';
let outputs: Outputs;
let http: SignedHttp;

beforeAll(async () => {
  await deployment.bootstrap();
  outputs = await deployment.deploy();
  http = new SignedHttp({ endpoint: outputs.Endpoint, credentials: defaultProvider() });
}, 15 * MINUTES);

afterAll(() => deployment.destroy(), 15 * MINUTES);

const append = (event: object, headers: Readonly<Record<string, string>> = {}) =>
  http.send({ method: 'POST', path: `/v1/trails/${trail}/events`, body: JSON.stringify(event), headers });
const event = (actor: string) => ({ type: 'data.update', actor: { id: actor } });

describe('a log that was deployed', () => {
  it('seals what it is sent, and finds it', async () => {
    const receipt = await append(event('ann'));
    expect(receipt.status).toBe(201);
    expect(receipt.json()).toMatchObject({ trail, first: 0, sealed: true });
    const page = await http.send({ path: `/v1/trails/${trail}/events`, query: { actor: 'ann' } });
    expect(page.json()).toMatchObject({ records: [{ seq: 0, submitter: expect.stringMatching(/^arn:aws/) }], asOf: 1 });
  });

  it('covers by a checkpoint what nobody waited for', async () => {
    const receipt = await append(event('bob'), { prefer: 'respond-async' });
    expect(receipt.status).toBe(202);
    await expect.poll(sizeOfCheckpoint, { timeout: 30_000, interval: 200 }).toBeGreaterThanOrEqual(2);
  });

  it(
    'archives by itself, within two minutes, whatever wakes it',
    async () => {
      const objects = archive();
      const names = async (): Promise<string[]> => {
        const found: string[] = [];
        for await (const { key } of objects.list(`${trail}/records/`)) found.push(key);
        return found;
      };
      await expect.poll(names, { timeout: 2 * MINUTES, interval: 1000 }).not.toEqual([]);
      await objects.close();
    },
    3 * MINUTES,
  );

  it('leaves an archive that verifies by its public keys', async () => {
    const sealed = await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals` });
    expect(sealed.json()).toMatchObject({ trail, size: 2 });
    const { keys } = (await http.send({ path: '/v1/keys' })).json() as { keys: { vkey: string }[] }; // keysSchema
    const objects = archive();
    const report = await verifyArchive(objects, { trust: parseTrustedKeys(keys.map(({ vkey }) => vkey).join('\n')) });
    await objects.close();
    expect(report).toMatchObject({ verdict: 'ok' });
  });

  it('has put its public key out where it was deployed: a line for a key file, and a vkey', async () => {
    const { keys } = (await http.send({ path: '/v1/keys', query: { trail: '_system' } })).json() as {
      keys: { vkey: string; fingerprint: string }[]; // keysSchema
    };
    expect(keys).toMatchObject([{ vkey: outputs.Vkey, fingerprint: outputs.PublicKeyFingerprint }]);
    const objects = archive();
    const report = await verifyArchive(objects, { trust: parseTrustedKeys(outputs.PublicKey) });
    await objects.close();
    expect(report).toMatchObject({ verdict: 'ok' });
  });

  it('is refused to who does not sign', async () => {
    const url = new URL(`/v1/trails/${trail}/events`, outputs.Endpoint);
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event('eve')) });
    expect(answer.status).toBe(403);
  });

  it(
    'is the same log after the stack is updated',
    async () => {
      expect(await deployment.deploy()).toEqual(outputs);
      const page = await http.send({ path: `/v1/trails/${trail}/events` });
      expect(page.json()).toMatchObject({ asOf: 2 });
    },
    15 * MINUTES,
  );

  // Near the end: the log does not answer from a block that was edited.
  it('notices who edits a block behind its back, and seals that into the trail _system', async () => {
    const client = dynamoClient(EVERYTHING);
    await client.send(
      new UpdateItemCommand({
        TableName: outputs.TableName,
        Key: keyValue(blockKey(trail, 0)),
        UpdateExpression: 'SET #a = :forged',
        ExpressionAttributeNames: { '#a': attributeName('receivedAt') },
        ExpressionAttributeValues: { ':forged': { N: '1' } },
      }),
    );
    client.destroy();
    const findings = async () => (await http.send({ path: '/v1/trails/_system/events' })).json();
    const event = { type: 'security.alert', description: `a block of trail ${trail} was changed: receivedAt` };
    await expect.poll(findings, { timeout: 30_000, interval: 500 }).toMatchObject({ records: [{ event }] });
  });

  it(
    'of the stage dev goes with its stack, though its archive is locked',
    async () => {
      await deployment.destroy();
      const client = s3Client({ ...EVERYTHING, forcePathStyle: true });
      const seen = client.send(new HeadBucketCommand({ Bucket: outputs.ArchiveBucket }));
      await expect(seen).rejects.toMatchObject({ name: 'NotFound' });
      client.destroy();
    },
    15 * MINUTES,
  );
});

async function sizeOfCheckpoint(): Promise<number> {
  const note = await http.send({ path: `/v1/trails/${trail}/checkpoint` });
  return Number(note.text().split('\n')[1]);
}

const archive = (): S3Objects =>
  new S3Objects({ client: s3Client({ ...EVERYTHING, forcePathStyle: true }), bucket: outputs.ArchiveBucket });
