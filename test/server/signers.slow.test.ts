import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Echo, startEcho } from './echo.ts';
import { KEY_ID, SECRET } from './signer.ts';

/**
 * Signers in the field get in: curl as it is on the machine, and the one in every AWS SDK for JavaScript. botocore has
 * its own script, `npm run test:interop`, since it needs Python.
 */

let echo: Echo;
beforeAll(async () => {
  echo = await startEcho();
});
afterAll(() => echo.server.close());

/** Targets on which signers disagree, and what they mean. */
const TARGETS: readonly (readonly [path: string, query: readonly (readonly [string, string])[]])[] = [
  ['/v1/trails', []],
  ['/v1/trails/orders/events', [['limit', '10']]],
  [
    '/v1/trails/orders/events',
    [
      ['type', 'b'],
      ['type', 'a'],
      ['actor', 'x'],
    ],
  ],
  [
    '/v1/trails/orders/events',
    [
      ['actor', 'José & Söhne+1'],
      ['from', '2026-01-01T00:00:00+01:00'],
    ],
  ],
  ['/v1/trails/orders/events', [['actor', "a=b/c?d*(e)'!~_.-"]]],
  ['/v1/trails/orders/events', [['actor', '']]],
  ['/v1/trails/orders/actors/alice%40example.com/activity', [['days', '7']]],
  ['/v1/trails/orders/actors/Jos%C3%A9%20M%2FN/activity', []],
];
const BODIES = ['', '{"type":"login"}', JSON.stringify({ type: 'login', description: 'Zoë 🎉'.repeat(500) })];

describe('curl --aws-sigv4', () => {
  it.each(TARGETS)('gets in with %s %j', async (path, query) => {
    const answer = await curl([`${echo.url}${path}${queryString(query)}`]);
    expect(answer).toEqual({ path, query, body: '' });
  });

  it.each<[target: string, query: string[][]]>([
    [
      '/v1/trails/o/events?b=2&a=1&a=0',
      [
        ['b', '2'],
        ['a', '1'],
        ['a', '0'],
      ],
    ],
    [
      '/v1/trails/o/events?actor=alice@example.com&type=auth.*',
      [
        ['actor', 'alice@example.com'],
        ['type', 'auth.*'],
      ],
    ],
    [
      '/v1/trails/o/events?actor=a+b&actor=a%20b',
      [
        ['actor', 'a b'],
        ['actor', 'a b'],
      ],
    ],
    ['/v1/trails/o/events?flag', [['flag', '']]],
    ['/v1/trails/o/actors/alice@example.com/activity', []],
  ])('gets in with a URL as people type it: %s', async (target, query) => {
    expect(await curl([`${echo.url}${target}`])).toEqual({ path: target.split('?')[0], query, body: '' });
  });

  it.each(BODIES.slice(1))('gets in with a body, a content type and an idempotency key', async (body) => {
    const json = ['-H', 'content-type: application/json'];
    const more = ['-H', 'Idempotency-Key: k-1', '-H', 'Prefer: return=representation,   respond-async'];
    const answer = await curl([...json, ...more, '--data-binary', body, `${echo.url}/v1/trails/o/events`]);
    expect(answer).toMatchObject({ body });
    expect(echo.requests.at(-1)?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'k-1',
      prefer: 'return=representation,   respond-async',
    });
  });

  it('gets in with a body of 4 MB, for which it asks first whether it may send it', async () => {
    const body = JSON.stringify({ events: 'x'.repeat(4_000_000) });
    const args = ['-H', 'content-type: application/json', '--data-binary', '@-', `${echo.url}/v1/trails/o/events`];
    const answer = await curl(args, body);
    expect(echo.requests.at(-1)?.headers.expect).toBe('100-continue');
    expect(answer).toMatchObject({ body });
  });

  it('does not get in with a wrong secret', async () => {
    const answer = await curl([`${echo.url}/v1/trails`], '', `${KEY_ID}:wrong`);
    expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});

describe('the signer of the AWS SDKs', () => {
  it.each(TARGETS.flatMap(([path, query]) => BODIES.map((body) => [path, query, body.slice(0, 20), body] as const)))(
    'gets in with %s %j %s',
    async (path, query, _, body) => {
      expect(await smithy(path, query, body)).toEqual({ path, query, body });
    },
  );

  it('gets in without x-amz-content-sha256, as it signs when it is told not to add it', async () => {
    expect(await smithy('/v1/trails', [], '{}', { applyChecksum: false })).toMatchObject({ body: '{}' });
    expect(echo.requests.at(-1)?.headers['x-amz-content-sha256']).toBeUndefined();
  });

  it('does not get in with the credentials of a session', async () => {
    const answer = await smithy('/v1/trails', [], '', {}, { sessionToken: 'token' });
    expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});

function queryString(query: readonly (readonly [string, string])[]): string {
  return query.length === 0 ? '' : `?${query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')}`;
}

async function curl(args: readonly string[], stdin = '', user = `${KEY_ID}:${SECRET}`): Promise<unknown> {
  const sign = ['--silent', '--show-error', '--max-time', '20', '--aws-sigv4', 'aws:amz:us-east-1:execute-api'];
  try {
    const running = promisify(execFile)('curl', [...sign, '--user', user, ...args], { maxBuffer: 16_000_000 });
    running.child.stdin?.end(stdin);
    return JSON.parse((await running).stdout);
  } catch (cause) {
    throw new Error('this test needs curl 7.75 or newer on the PATH, and it did not run', { cause });
  }
}

/** Signs with @smithy/signature-v4 and sends exactly what was signed. */
async function smithy(
  path: string,
  query: readonly (readonly [string, string])[],
  body: string,
  options: { applyChecksum?: boolean } = {},
  session: { sessionToken?: string } = {},
): Promise<unknown> {
  const credentials = { accessKeyId: KEY_ID, secretAccessKey: SECRET, ...session };
  const signer = new SignatureV4({
    service: 'execute-api',
    region: 'eu-west-1',
    credentials,
    sha256: Sha256,
    ...options,
  });
  const { hostname, port, host, protocol } = new URL(echo.url);
  const repeated: Record<string, string[]> = {};
  for (const [name, value] of query) repeated[name] = [...(repeated[name] ?? []), value];
  const method = body === '' ? 'GET' : 'POST';
  const unsigned = { method, protocol, hostname, port: Number(port), path, query: repeated, headers: { host } };
  const signed = await signer.sign({ ...unsigned, ...(body === '' ? {} : { body }) });
  return new Promise((resolve, reject) => {
    const target = `${path}${queryString(query)}`;
    const sending = httpRequest({ hostname, port, method, path: target, headers: signed.headers }, (response) => {
      text(response).then((all) => resolve(JSON.parse(all)), reject);
    });
    sending.on('error', reject).end(body);
  });
}

/** SHA-256 and HMAC as the signer wants them. */
class Sha256 {
  readonly #digest;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    if (key === undefined) this.#digest = createHash('sha256');
    else if (typeof key === 'string') this.#digest = createHmac('sha256', key);
    else
      this.#digest = createHmac(
        'sha256',
        ArrayBuffer.isView(key) ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength) : new Uint8Array(key),
      );
  }

  update(data: string | Uint8Array): void {
    this.#digest.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#digest.digest();
  }

  reset(): void {
    throw new RangeError('the signer does not reset');
  }
}
