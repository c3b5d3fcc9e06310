import './localhost.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { pageSchema } from '../../lib/api/routes/events.ts';
import { keysSchema } from '../../lib/api/routes/keys.ts';
import { trailsSchema } from '../../lib/api/routes/trails.ts';
import { verificationStatusSchema } from '../../lib/api/routes/verifications.ts';
import { ROUTES } from '../../lib/api/routes.ts';
import { SignedHttp } from '../../lib/client/http/http.ts';
import { verifyTrail } from '../../lib/client/read/verifying.ts';
import { blockKey } from '../../lib/ledger/items/layout.ts';
import { parseNote } from '../../lib/log/note.ts';
import { run } from '../cli/process.ts';
import { fsckAgrees, installFsck } from '../outside/fsck.ts';
import { folderUntil } from '../store/temporary.ts';
import { demoEvents } from './demo-events.ts';
import { DeployedArchive } from './deployed-archive.ts';
import { DeployedLedger } from './deployed-ledger.ts';
import { Deployment, type Outputs } from './deployment.ts';
import { isMinistack, STACK } from './emulated.ts';
import { asUserWith, type Call, isAnswered, refusalsOf } from './iam-user.ts';
import { Observation } from './observation.ts';

/**
 * The stack, deployed with plain `cdk deploy` to whatever the environment points at, and used through its API alone, with
 * events that GitHub really sent. Nothing here knows that it may be an emulator but `deployment.ts`.
 */

const MINUTES = 60_000;
const CASE = 'case 2026-17, by order of the court';
type PolicyOutput = 'WriterPolicyArn' | 'AuditorPolicyArn' | 'ArchiveAuditorPolicyArn';
const openApi = z.object({ paths: z.record(z.string(), z.unknown()) });
const deployment = new Deployment(STACK, 'audit.example.com');
const observation = new Observation(STACK);
const folder = folderUntil((task) => afterAll(task));
let outputs: Outputs;
let http: SignedHttp;
let archive: DeployedArchive;
let ledger: DeployedLedger;
/** The demo's events by trail: 329 of them in five trails. */
let events: ReadonlyMap<string, readonly object[]>;
let fsck: string;

beforeAll(async () => {
  fsck = installFsck();
  events = await demoEvents();
  await deployment.bootstrap();
  outputs = await deployment.deploy();
  http = new SignedHttp({ endpoint: outputs.Endpoint, credentials: defaultProvider() });
  archive = new DeployedArchive(outputs.ArchiveBucket);
  ledger = new DeployedLedger(outputs.TableName);
}, 15 * MINUTES);

afterAll(async () => {
  observation.close();
  await archive?.close();
  await ledger?.close();
  await deployment.destroy();
}, 15 * MINUTES);

const append = (trail: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  http.send({ method: 'POST', path: `/v1/trails/${trail}/events`, body: JSON.stringify(body), headers });
const get = async (path: string, query: Readonly<Record<string, string | number>> = {}) =>
  (await http.send({ path, query })).json();
const hold = async (trail: string, held: boolean) => {
  const body = JSON.stringify({ held, reason: CASE });
  return (await http.send({ method: 'POST', path: `/v1/trails/${trail}/legal-hold`, body })).json();
};
const sizeOf = (trail: string): number => events.get(trail)?.length ?? 0;
/** Whether versions of a trail's objects are under legal hold: each answer once. */
const heldOf = async (trail: string) => new Set((await archive.holds(trail)).map(({ isHeld }) => isHeld));
const noteOf = async (trail: string): Promise<string> =>
  (await http.send({ path: `/v1/trails/${trail}/checkpoint` })).text();

describe('a log that was deployed', () => {
  it('describes itself, every route of it, to anybody', async () => {
    const { paths } = openApi.parse(await (await fetch(new URL('/v1/openapi.json', outputs.Endpoint))).json());
    expect(Object.keys(paths).sort()).toEqual([...new Set(ROUTES.map(({ path }) => path))].sort());
  });

  it(
    'seals what GitHub sent, each batch once, however often it is sent',
    async () => {
      for (const [trail, all] of events) {
        for (let first = 0; first < all.length; first += 50) {
          const body = { events: all.slice(first, first + 50) };
          const headers = { 'idempotency-key': `demo-${trail}-${first}` };
          const receipt = await append(trail, body, headers);
          expect(receipt.status).toBe(201);
          expect(receipt.json()).toMatchObject({ trail, first, count: body.events.length, sealed: true });
          if (first > 0) continue;
          const again = await append(trail, body, headers);
          expect(again.status).toBe(200);
          expect(again.json()).toMatchObject({ trail, first, replayed: true });
        }
      }
    },
    2 * MINUTES,
  );

  it('finds them, by the ARN of who sent them too, and counts them', async () => {
    const { asOf, records } = pageSchema.parse(
      await get('/v1/trails/access/events', { type: 'github.member.added', order: 'oldest' }),
    );
    expect(asOf).toBe(sizeOf('access'));
    expect(records.map(({ event }) => event.type)).toEqual(Array(3).fill('github.member.added'));
    for (const { submitter } of records) expect(submitter).toMatch(/^arn:aws/);
    for (const trail of events.keys()) {
      expect(await get(`/v1/trails/${trail}/summary`)).toMatchObject({ total: sizeOf(trail) });
    }
  });

  it('covers by a checkpoint what no one waited for', async () => {
    const receipt = await append('late', { type: 'data.update', actor: { id: 'bob' } }, { prefer: 'respond-async' });
    expect(receipt.status).toBe(202);
    const size = async () => Number((await noteOf('late')).split('\n')[1]);
    await expect.poll(size, { timeout: 30_000, interval: 200 }).toBe(1);
  });

  it(
    'archives every trail by itself, and indexes where enough has gathered',
    async () => {
      // Fewer than 1,024 records wait for an hour to be indexed together; queries scan them.
      const readers = Array.from({ length: 1200 }, (_, i) => ({ type: 'data.read', actor: { id: `reader-${i}` } }));
      for (const at of [0, 600]) await append('busy', { events: readers.slice(at, at + 600) });
      await expect.poll(() => ledger.indexed('busy'), { timeout: 2 * MINUTES, interval: 500 }).toBe(1200);
      expect(await get('/v1/trails/busy/events', { actor: 'reader-777' })).toMatchObject({
        records: [{ seq: 777 }],
        scanned: 1,
      });
      const archived = async () => [...(await archive.trails())].filter((trail) => events.has(trail)).sort();
      await expect.poll(archived, { timeout: 2 * MINUTES, interval: 1000 }).toEqual([...events.keys()].sort());
    },
    3 * MINUTES,
  );

  it('puts the archive of a trail under legal hold, and seals who did and why into the trail _system', async () => {
    expect(await hold('access', true)).toMatchObject({ trail: 'access', held: true, reason: CASE, objects: 0 });
    const event = { actor: { id: expect.stringMatching(/^arn:aws/) }, resource: { id: 'access' }, description: CASE };
    const found = () => get('/v1/trails/_system/events', { type: 'system.legal_hold_set' });
    expect(await found()).toMatchObject({ records: [{ event }] });
  });

  it('verifies itself on request, and seals what came of it into the trail _system', async () => {
    const path = '/v1/trails/access/verifications';
    const report = await verifyTrail(http, path, 'full', {});
    expect(report).toMatchObject({ trail: 'access', verdict: 'ok', from: 0, to: sizeOf('access'), problems: [] });
    expect(await get(path)).toMatchObject({ trail: 'access', runs: expect.any(Number), failures: 0 });
    const found = () => get('/v1/trails/_system/events', { type: 'system.verification_completed' });
    await expect.poll(found, { timeout: 30_000, interval: 500 }).toMatchObject({ records: [{}] });
    const part = await verifyTrail(http, path, { from: 1, to: 2 }, {});
    expect(part).toMatchObject({ verdict: 'ok', mode: 'range', range: { from: 1, to: 2 }, problems: [] });
    const beyond = verifyTrail(http, path, { to: sizeOf('access') + 1 }, {});
    await expect(beyond).rejects.toMatchObject({ code: 'invalid_parameter', field: 'to' });
  });

  it(
    'verifies every trail when the clock strikes',
    async () => {
      const statusOf = async (trail: string) =>
        verificationStatusSchema.parse(await get(`/v1/trails/${trail}/verifications`));
      const before = await Promise.all([...events.keys()].map(statusOf));
      await observation.strike('Verify');
      for (const { trail, runs } of before) {
        expect(await statusOf(trail)).toMatchObject({ trail, runs: runs + 1, failures: 0 });
      }
    },
    2 * MINUTES,
  );

  it('has put its public key out where it was deployed: a line for a key file, and a vkey', async () => {
    const { Vkey: vkey, PublicKeyFingerprint: fingerprint, PublicKey } = outputs;
    expect(await get('/v1/keys', { trail: '_system' })).toMatchObject({ keys: [{ vkey, fingerprint }] });
    expect(await verify(PublicKey)).toMatchObject({ code: 0, verdict: 'ok' });
  });

  it(
    'exports to a file behind a link, every line of which its public key proves',
    async () => {
      const file = join(folder, 'members.ndjson');
      const asked = ['export', 'access', '--output', file, '--type', 'github.member.added'];
      expect(await cli(asked)).toMatchObject({ code: 0, manifest: { trail: 'access', records: 3 } });
      const verified = await cli(['verify-export', file, '--key', keyFile(outputs.PublicKey)]);
      expect(verified).toMatchObject({ code: 0, ok: true, proven: 'records', records: 3 });
    },
    2 * MINUTES,
  );

  it('is refused to who does not sign, or signs as no one that IAM knows', async () => {
    const url = new URL('/v1/trails/access/events', outputs.Endpoint);
    const answer = await fetch(url, { method: 'POST', body: '{"type":"data.update"}' });
    expect(answer.status).toBe(403);
    const credentials = async () => ({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'guessed' });
    const stranger = new SignedHttp({ endpoint: outputs.Endpoint, credentials });
    const code = expect.stringMatching(/^(unauthenticated|forbidden)$/);
    await expect(stranger.send({ path: '/v1/trails' })).rejects.toMatchObject({ code });
  });

  it.each<[string, PolicyOutput, readonly Call[], readonly Call[]]>([
    ['writer', 'WriterPolicyArn', ['append', 'keys'], ['query', 'verify', 'hold', 'trails']],
    ['auditor', 'AuditorPolicyArn', ['query', 'verify', 'trails', 'keys'], ['append', 'hold']],
    ['archive auditor', 'ArchiveAuditorPolicyArn', [], ['append', 'query', 'verify', 'keys']],
  ])(
    'lets a user with the policy of the %s do what it says, and nothing else',
    async (name, policy, may, mayNot) => {
      await asUserWith(outputs[policy], `${STACK}-${name.replace(' ', '-')}`, async (credentials) => {
        const theirs = new SignedHttp({ endpoint: outputs.Endpoint, credentials: async () => credentials });
        for (const call of may) {
          await expect.poll(() => isAnswered(theirs, call), { timeout: MINUTES }).toBe(true);
        }
        for (const call of mayNot) expect([call, await isAnswered(theirs, call)]).toEqual([call, false]);
        const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = credentials;
        const own = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: '', AWS_PROFILE: '' };
        const verified = async () => (await run(verification(outputs.PublicKey), { env: environment(own) })).code;
        const code = name === 'archive auditor' ? 0 : 2;
        await expect.poll(verified, { timeout: MINUTES, interval: 1000 }).toBe(code);
      });
    },
    3 * MINUTES,
  );

  it('lets no administrator of the account sign, nor disable or delete what it signs with', async () => {
    const [, partition] = outputs.SigningKeyArn.split(':');
    const policy = `arn:${partition}:iam::aws:policy/AdministratorAccess`;
    await asUserWith(policy, `${STACK}-administrator`, async (credentials) => {
      const refusals = () => refusalsOf(outputs.SigningKeyArn, credentials);
      await expect.poll(refusals, { timeout: MINUTES }).toEqual(Array(3).fill('AccessDeniedException'));
    });
  }, 90_000);

  it(
    'is the same log after an update, and signs with the key that this one adds',
    async () => {
      const { SigningKeyArn, PublicKey, PublicKeyFingerprint: _, Vkey: __, ...same } = outputs;
      const updated = await deployment.deploy('signingKeys=2');
      expect(updated).toMatchObject(same);
      expect(updated.SigningKeyArn.split(',')).toEqual([SigningKeyArn, expect.any(String)]);
      expect(updated.PublicKey.split('\n')).toEqual([PublicKey, expect.any(String)]);
      const receipt = await append('access', { type: 'data.update', actor: { id: 'ann' } });
      expect(receipt.json()).toMatchObject({ first: sizeOf('access'), sealed: true });
      expect(parseNote(await noteOf('access')).signatures).toHaveLength(2);
    },
    15 * MINUTES,
  );

  it(
    'keeps what was archived of a held trail, and what is archived meanwhile, until the hold is released',
    async () => {
      const before = new Set((await archive.holds('access')).map(({ version }) => version));
      await http.send({ method: 'POST', path: '/v1/trails/access/seals' });
      const later = (await archive.holds('access')).filter(({ version }) => !before.has(version));
      expect(later.map(({ isHeld }) => isHeld)).toContain(true);
      expect(later.filter(({ isHeld }) => !isHeld)).toEqual([]);

      await expect.poll(() => heldOf('access'), { timeout: MINUTES, interval: 1000 }).toEqual(new Set([true]));
      expect(await heldOf('code')).toEqual(new Set([false]));
      for (const { key, version } of (await archive.holds('access')).slice(0, 1)) {
        await expect(archive.remove(key, version)).rejects.toMatchObject({ name: 'AccessDenied' });
      }
      expect(await hold('access', false)).toMatchObject({ held: false, reason: CASE });
      expect(await get('/v1/trails/_system/events', { type: 'system.legal_hold_released' })).toMatchObject({
        records: [{ event: { resource: { id: 'access' }, description: CASE } }],
      });
    },
    3 * MINUTES,
  );

  it(
    'goes on with the newer key alone, and says how far the older one goes',
    async () => {
      await deployment.deploy('signingKeys=2', 'retiredKeys=1');
      await append('access', { type: 'data.update', actor: { id: 'ann' } });
      expect(parseNote(await noteOf('access')).signatures).toHaveLength(1);
      const { retired } = keysSchema.parse(await get('/v1/keys'));
      expect(retired.find(({ trail }) => trail === 'code')).toMatchObject({ to: sizeOf('code') });
    },
    15 * MINUTES,
  );

  it('has released what was held', async () => {
    await expect.poll(() => heldOf('access'), { timeout: MINUTES, interval: 1000 }).toEqual(new Set([false]));
  }, 90_000);

  it(
    'leaves an archive that verifies by its public keys, in the bucket and, for others, in a copy of it',
    async () => {
      const trails = trailsSchema.parse(await get('/v1/trails')).trails.map(({ trail }) => trail);
      expect(trails).toEqual(expect.arrayContaining([...events.keys(), '_system']));
      for (const trail of trails) await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals` });
      const known = keysSchema.parse(await get('/v1/keys'));
      const lines = [...known.keys.map(({ vkey }) => vkey), ...known.retired.map(({ vkey, to }) => `${vkey} to=${to}`)];
      expect(await verify(lines.join('\n'))).toMatchObject({ code: 0, verdict: 'ok', problems: [] });

      const copy = join(folder, 'archive');
      await archive.copyTo(copy);
      const vkeys = new Map(known.keys.map(({ trail, vkey }) => [trail, vkey]));
      for (const trail of ['access', 'code']) {
        // Anyone who knows one key only checks the newest checkpoint, which the newest key has signed where there was one since.
        const vkey = trail === 'access' ? vkeys.get(trail) : known.retired.find((key) => key.trail === trail)?.vkey;
        const { agrees, said } = fsckAgrees(fsck, join(copy, trail), vkey ?? '');
        expect(agrees, said).toBe(true);
      }
    },
    3 * MINUTES,
  );

  describe('where an emulator falls short of AWS', () => {
    it(`locks what is put into the archive${isMinistack ? ", but its template does not reach ministack's bucket" : ''}`, () => {
      expect(deployment.isLocking).toBe(!isMinistack);
    });

    it(
      `has a line for each request in the access log${isMinistack ? ', but ministack writes none' : ''}`,
      async () => {
        const lines = async () =>
          [...(await observation.logged())].flatMap(([group, said]) => (group.includes('AccessLogs') ? said : []));
        if (isMinistack) expect(await lines()).toEqual([]);
        else await expect.poll(lines, { timeout: 10 * MINUTES, interval: 5000 }).not.toEqual([]);
      },
      11 * MINUTES,
    );
  });

  // Near the end: the log does not answer from a block that was edited.
  it(
    'notices who edits and deletes blocks behind its back: the alarm goes off, and the trail _system has it sealed',
    async () => {
      await ledger.forge(blockKey('builds', 0), 'receivedAt', 1);
      await ledger.remove(blockKey('code', 0));
      const findings = async () => {
        const { records } = pageSchema.parse(await get('/v1/trails/_system/events', { type: 'security.alert' }));
        return records.map(({ event }) => event.description).sort();
      };
      const found = ['a block of trail builds was changed: receivedAt', 'a block of trail code was removed'];
      await expect.poll(findings, { timeout: 30_000, interval: 500 }).toEqual(found);
      const alarm = async () => {
        if (isMinistack) await observation.takeMetric('Tampering');
        return observation.alarm('TamperingAlarm');
      };
      const gone = { state: 'ALARM', tells: [outputs.AlarmTopicArn] };
      await expect.poll(alarm, { timeout: 10 * MINUTES, interval: 1000 }).toEqual(gone);
      for (const trail of ['builds', 'code']) {
        const path = `/v1/trails/${trail}/verifications`;
        const report = await verifyTrail(http, path, 'full', {});
        expect(report).toMatchObject({ trail, verdict: 'damaged' });
      }
    },
    15 * MINUTES,
  );

  it('has logged what it did all the while, and nothing that an event says', async () => {
    const logged = await observation.logged();
    const lines = [...logged].flatMap(([group, said]) => said.map((line) => `${group}: ${line}`));
    for (const name of ['Append', 'Read', 'Seal', 'Follow', 'Verify', 'Export']) {
      expect(lines.some((line) => line.includes(`${name}Logs`))).toBe(true);
    }
    // GitHub's examples are about them, in most events and in every trail.
    expect(lines.filter((line) => /codertocat|hello-world|octocat/i.test(line))).toEqual([]);
  });

  it(
    'of the stage dev goes with its stack, though its archive is locked',
    async () => {
      await deployment.destroy();
      expect(await archive.isGone()).toBe(true);
    },
    15 * MINUTES,
  );
});

const verification = (lines: string) => ['verify', `s3://${outputs.ArchiveBucket}`, '--key', keyFile(lines)];
/** What the command line says of the bucket, to someone who trusts these lines of a key file. */
const verify = (lines: string) => cli(verification(lines));

function keyFile(lines: string): string {
  const trust = join(folder, 'trust');
  writeFileSync(trust, `${lines}\n`);
  return trust;
}

/** The environment of a command line: what this process has of AWS, and what differs. */
function environment(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  const given = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [],
  );
  const NODE_OPTIONS = `--import ${new URL('localhost.ts', import.meta.url)}`;
  const all = { ...Object.fromEntries(given), ...own, NODE_OPTIONS, SEALTRAIL_ENDPOINT: outputs.Endpoint };
  // On a machine of AWS the credentials may come from it.
  return { AWS_EC2_METADATA_DISABLED: 'false', ...all };
}

async function cli(args: readonly string[]): Promise<{ readonly code: number | null }> {
  const { code, stdout, stderr } = await run([...args, '--json'], { env: environment() });
  expect(stdout, stderr).not.toBe('');
  return { code, ...JSON.parse(stdout) };
}
