import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { SignedHttp } from '../../lib/client/http/http.ts';
import { createAuditLogger } from '../../lib/client/logger/create.ts';
import { parseRecord, type SealedRecord } from '../../lib/log/record.ts';
import { parseTrustedKeys, verifyArchive } from '../../lib/verify/index.ts';
import { makeFolder, removeFolder } from '../store/temporary.ts';
import { openGateway } from './api-gateway.ts';
import { append, type Deployed, deploy, QUERY } from './deployed.ts';
import { ACCOUNT, HOUR, openTokenService, type TokenService } from './token-service.ts';

/**
 * A role's session has a new name with each refresh of the credentials: the AWS SDK makes one up where none is configured,
 * as for service accounts of EKS and for profiles with `role_arn`. Who sends stays the same.
 */

const TRAIL = 'orders';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/apps/shop`;
const FOREVER = new AbortController().signal;

let deployed: Deployed;
let tokens: TokenService;
let gateway: Awaited<ReturnType<typeof openGateway>>;
let folder: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  deployed = await deploy();
  tokens = await openTokenService();
  gateway = await openGateway(deployed, tokens.arnOf);
  folder = await makeFolder();
  await writeFile(join(folder, 'token'), 'token of a service account');
  const base = '[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n';
  await writeFile(join(folder, 'credentials'), `${base}[app]\nrole_arn = ${ROLE}\nsource_profile = base\n`);
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_'))) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', tokens.url);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
});
afterEach(async () => {
  await gateway.close();
  await tokens.close();
  await removeFolder(folder);
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Ways to a role whose sessions the SDK names. */
const WAYS: readonly [string, () => Record<string, string>, string][] = [
  [
    'a service account of EKS',
    () => ({ AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token') }),
    'aws-sdk-js-session-',
  ],
  ['a profile with role_arn', () => ({ AWS_PROFILE: 'app' }), 'aws-sdk-js-'],
];
const take = (way: () => Record<string, string>) => {
  for (const [name, value] of Object.entries(way())) vi.stubEnv(name, value);
};
/** An hour later the credentials have expired. */
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

async function records(trail: string): Promise<SealedRecord[]> {
  const found: SealedRecord[] = [];
  for await (const { lines } of deployed.log.ledger.blocks(trail, { from: 0, to: 1000 })) {
    found.push(...lines.map(parseRecord));
  }
  return found;
}

const findings = async () =>
  (await records('_system')).filter(({ event }) => String(event.type).startsWith('producer.'));

describe.each(WAYS)('the role of %s', (_, way, sessionName) => {
  it('is one producer while its sessions change: none of its events is called missing', async () => {
    take(way);
    const errors: Error[] = [];
    const api = { endpoint: gateway.url, trail: TRAIL, batchDelay: 10 };
    const audit = createAuditLogger({ api, onError: (error) => errors.push(error) });
    const log = (count: number) => {
      for (let n = 0; n < count; n++) audit.log({ type: 'data.update', actor: { id: 'ann' } });
      return audit.flush();
    };
    await log(5);
    later(HOUR + 1);
    await log(3);
    await audit.close();
    expect(errors).toEqual([]);

    const submitters = (await records(TRAIL)).map(({ submitter }) => submitter);
    expect(submitters).toHaveLength(8);
    expect(new Set(submitters).size).toBe(2);
    for (const submitter of submitters) {
      expect(submitter).toContain(`arn:aws:sts::${ACCOUNT}:assumed-role/shop/${sessionName}`);
    }

    const following = new TrailFollowing(deployed.log);
    await following.sweep(FOREVER);
    later(120_000); // Long after late events are waited for.
    for (let sweeps = 0; sweeps < 2; sweeps++) await following.sweep(FOREVER);
    expect(await findings()).toEqual([]);

    for (const trail of [TRAIL, '_system']) await deployed.log.archiver.seal(trail);
    const spki = Buffer.from(await deployed.signer.publicKey()).toString('base64');
    const trust = parseTrustedKeys(`-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`);
    const { verdict, problems, trails } = await verifyArchive(deployed.objects, { trust });
    expect([verdict, problems]).toEqual(['ok', []]);
    expect(trails.find(({ trail }) => trail === TRAIL)?.producers).toEqual({
      ...{ producers: 1, numbered: 8, missing: 0, declared: 0, repeated: 0 },
    });
  });

  it('finds under the next session what was appended under its idempotency key: nothing is sealed twice', async () => {
    take(way);
    const http = new SignedHttp({ endpoint: gateway.url, credentials: defaultProvider() });
    const send = () =>
      http.send({
        ...{ method: 'POST', path: `/v1/trails/${TRAIL}/events`, headers: { 'idempotency-key': 'order-4711' } },
        body: '{"id":"order-4711","type":"data.update"}',
      });
    const once = await send();
    later(HOUR + 1);
    const again = await send();
    expect([once.status, again.status]).toEqual([201, 200]);
    expect(again.json()).toMatchObject({ first: 0, replayed: true });
    const [record, ...more] = await records(TRAIL);
    expect(more).toEqual([]);
    expect(record?.submitter).toContain(`:assumed-role/shop/${sessionName}`);
  });
});

describe('people who share a role', () => {
  const person = (name: string) =>
    `arn:aws:sts::${ACCOUNT}:assumed-role/AWSReservedSSO_Auditor_0123456789abcdef/${name}@example.com`;

  it('are each recorded as who looked at the accesses, once an hour', async () => {
    await deployed.call(append(TRAIL));
    const look = (userArn: string) =>
      deployed.call({ route: QUERY, parameters: { trail: '_access' }, query: 'limit=1', userArn });
    await deployed.call({ route: QUERY, parameters: { trail: TRAIL }, userArn: person('ann') });
    for (const name of ['ann', 'bob', 'bob', 'ann']) await look(person(name));
    const looks = (await records('_access')).filter(({ event }) => JSON.stringify(event.resource).includes('_access'));
    expect(looks.map(({ submitter }) => submitter)).toEqual([person('ann'), person('bob')]);
    later(HOUR);
    await look(person('bob'));
    expect((await records('_access')).at(-1)?.submitter).toBe(person('bob'));
  });
});
