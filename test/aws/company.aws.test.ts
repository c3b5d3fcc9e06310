import './localhost.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DeleteFunctionConcurrencyCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageSchema } from '../../lib/api/routes/events.ts';
import { keysSchema } from '../../lib/api/routes/keys.ts';
import { SignedHttp } from '../../lib/client/http/http.ts';
import { verifyTrail } from '../../lib/client/read/verifying.ts';
import { parseNote } from '../../lib/log/note.ts';
import { run } from '../cli/process.ts';
import { folderUntil } from '../store/temporary.ts';
import { DeployedArchive } from './deployed-archive.ts';
import { DeployedLedger } from './deployed-ledger.ts';
import { Deployment, type Outputs } from './deployment.ts';
import { EVERYTHING, isMinistack, STACK } from './emulated.ts';

/**
 * What large organisations add, on the emulator: a REST API, private or not, a witness in a stack of its own that cosigns what the log
 * states, and a table that is completed from the archive when it was lost.
 */

const MINUTES = 60_000;
const name = `${STACK}-company`;
const ACTOR = 'ann';

/** How the emulator is reached at an address of AWS. */
const at = (path: string): string => `${EVERYTHING.endpoint}/_aws/${path}`;
const restEndpoint = ({ Endpoint }: Outputs): string => {
  const [, api] = /^https:\/\/(\w+)\.execute-api\./.exec(Endpoint) ?? [];
  return at(`execute-api/${api}/log`);
};

describe.runIf(isMinistack)('the log of a company', () => {
  const folder = folderUntil((task) => afterAll(task));
  const deployment = new Deployment(name, 'audit.example.com');
  const functions = new LambdaClient(EVERYTHING);
  let outputs: Outputs;
  let http: SignedHttp;
  let archive: DeployedArchive;

  const deploy = async (props: object, ...context: readonly string[]): Promise<Outputs> => {
    deployment.environment = { SEALTRAIL_TEST_PROPS: JSON.stringify(props) };
    return deployment.deploy(...context);
  };
  const append = async (count = 1) => {
    const events = Array.from({ length: count }, () => ({ type: 'data.update', actor: { id: ACTOR } }));
    const body = JSON.stringify({ events });
    return (await http.send({ method: 'POST', path: '/v1/trails/orders/events', body })).json();
  };
  const get = async (path: string, query: Readonly<Record<string, string>> = {}) =>
    (await http.send({ path, query })).json();
  const file = (what: string, text: string): string => {
    const path = join(folder, what);
    writeFileSync(path, text);
    return path;
  };
  /** The command line, beside the emulator. */
  const cli = (...args: readonly string[]) => {
    const {
      AWS_ENDPOINT_URL: url = '',
      AWS_REGION = '',
      AWS_ACCESS_KEY_ID = '',
      AWS_SECRET_ACCESS_KEY = '',
      PATH = '',
    } = process.env;
    const all = {
      AWS_ENDPOINT_URL: url,
      AWS_ENDPOINT_URL_DYNAMODB: url,
      AWS_REGION,
      AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY,
    };
    return run(args, { env: { ...all, PATH, NODE_OPTIONS: `--import ${new URL('localhost.ts', import.meta.url)}` } });
  };

  beforeAll(async () => {
    await deployment.bootstrap();
    outputs = await deploy({ endpoints: [] });
    http = new SignedHttp({ endpoint: restEndpoint(outputs), credentials: defaultProvider() });
    archive = new DeployedArchive(outputs.ArchiveBucket);
  }, 10 * MINUTES);
  afterAll(async () => {
    functions.destroy();
    await archive?.close();
  });

  it(
    'answers through a REST API as it does through an HTTP API, and only who signs',
    async () => {
      expect(await append(300)).toMatchObject({ first: 0, count: 300, sealed: true });
      const { records } = pageSchema.parse(await get('/v1/trails/orders/events', { actor: ACTOR, limit: '2' }));
      expect(records.map(({ event }) => event.actor?.id)).toEqual([ACTOR, ACTOR]);
      expect(await get(`/v1/trails/orders/actors/${encodeURIComponent(ACTOR)}/activity`)).toMatchObject({
        actor: ACTOR,
      });
      expect((await fetch(`${restEndpoint(outputs)}/healthz`)).status).toBe(200);
      const unsigned = await fetch(`${restEndpoint(outputs)}/v1/trails`);
      expect(unsigned.status).toBe(403);
    },
    2 * MINUTES,
  );

  it(
    'has its heads cosigned by a witness that another stack deploys, and is private from then on',
    async () => {
      const { keys } = keysSchema.parse(await get('/v1/keys', { trail: '_heads' }));
      const witness = new Deployment(`${name}-witness`, 'unused');
      const logs = ['logs/v0', ...keys.map(({ vkey }) => `vkey ${vkey}`), ''].join('\n');
      witness.environment = { SEALTRAIL_TEST_WITNESS: JSON.stringify({ name: 'witness.example/w1', logs }) };
      const values = await witness.deployOther();
      const [, id] = values.map((value) => /^https:\/\/(\w+)\.lambda-url\./.exec(value)).find((found) => found) ?? [];
      const url = at(`lambda-url/${id}/`);
      const vkey = (await (await fetch(url)).text()).trim();
      const policy = `witness W1 ${vkey} ${url}\nquorum W1\n`;

      outputs = await deploy({ endpoints: ['vpce-0a1b2c3d4e5f60718'], witnessPolicy: policy });
      http = new SignedHttp({ endpoint: restEndpoint(outputs), credentials: defaultProvider() });
      // It came by none of its endpoints: AWS refuses it, and ministack does not look at that key. `rest-api.test.ts` evaluates the policy.
      expect(await get('/v1/trails')).toHaveProperty('trails');
      const cosigned = () => archive.names('_heads/witnessed/');
      await expect.poll(cosigned, { timeout: 4 * MINUTES, interval: 2000 }).not.toEqual([]);
      const key = file('log.keys', `${outputs.PublicKey}\n`);
      const verified = await cli(
        'verify',
        `s3://${outputs.ArchiveBucket}`,
        '--key',
        key,
        '--policy',
        file('policy', policy),
      );
      expect(verified, verified.stderr + verified.stdout).toMatchObject({ code: 0 });
      expect(verified.stdout).toContain('cosigned by W1');
    },
    12 * MINUTES,
  );

  it(
    'goes on from its archive when its table was lost, under another key',
    async () => {
      const writers = await functionsOf(functions, /(Append|Read|Seal|Follow|Verify|Export)/);
      expect(writers).toHaveLength(6);
      outputs = await deploy({ endpoints: [] });
      http = new SignedHttp({ endpoint: restEndpoint(outputs), credentials: defaultProvider() });
      await http.send({ method: 'POST', path: '/v1/trails/orders/seals' });
      for (const FunctionName of writers) {
        await functions.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
      }
      const ledger = new DeployedLedger(outputs.TableName);
      expect(await ledger.empty()).toBeGreaterThan(10);
      await ledger.close();

      const key = file('log.keys', `${outputs.PublicKey}\n`);
      const command = ['rebuild', `s3://${outputs.ArchiveBucket}`, '--table', outputs.TableName, '--key', key];
      expect(await cli(...command)).toMatchObject({ code: 1, stdout: expect.stringContaining('300 in the archive') });
      const rebuilt = await cli(...command, '--yes');
      expect(rebuilt, rebuilt.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('retiredKeys=1') });
      outputs = await deploy({ endpoints: [] }, 'signingKeys=2', 'retiredKeys=1');
      for (const FunctionName of writers) await functions.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));

      http = new SignedHttp({ endpoint: restEndpoint(outputs), credentials: defaultProvider() });
      // Refused until `Follow` has held the trail against its archive once more.
      const accepted = () => append().catch(({ code }) => code);
      await expect.poll(accepted, { timeout: 3 * MINUTES, interval: 2000 }).toMatchObject({ first: 300, sealed: true });
      const note = (await http.send({ path: '/v1/trails/orders/checkpoint' })).text();
      expect(parseNote(note).signatures).toHaveLength(1);
      const { retired } = keysSchema.parse(await get('/v1/keys'));
      expect(retired.find(({ trail }) => trail === 'orders')).toMatchObject({ to: 300 });
      const path = '/v1/trails/orders/verifications';
      expect(await verifyTrail(http, path, 'full', {})).toMatchObject({ verdict: 'ok', problems: [] });
      const told = () => get('/v1/trails/_system/events', { type: 'system.trail_rebuilt', resource: 'orders' });
      expect(await told()).toMatchObject({ records: [{ event: { details: { before: 0, size: 300 } } }] });
    },
    12 * MINUTES,
  );
});

async function functionsOf(client: LambdaClient, names: RegExp): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
    for (const { FunctionName = '' } of Functions) {
      const [, own = ''] = FunctionName.split(`${name}-Sealtrail`);
      if (names.exec(own)?.index === 0) found.push(FunctionName);
    }
  }
  return found;
}
