import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SignedHttp } from '../../../lib/client/http/http.ts';
import { fetchKeys, LogView } from '../../../lib/client/read/log-view.ts';
import type { Checkpoint } from '../../../lib/log/checkpoint.ts';
import { toBase64 } from '../../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../../lib/log/frontier.ts';
import type { Hash } from '../../../lib/log/hash.ts';
import { type NodeReader, proveConsistency } from '../../../lib/log/tree.ts';

/** A vkey of docs/spec.md. */
const KEY_LINE = 'audit.example.com/orders+0414ac09+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A client of a server that answers every request with what `answer` makes of its query. */
async function clientOf(answer: (query: URLSearchParams) => Promise<readonly [number, unknown]>): Promise<SignedHttp> {
  const server = createServer(async (request, response) => {
    const [status, body] = await answer(new URL(request.url ?? '/', 'http://x').searchParams);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const credentials = async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'x' });
  return new SignedHttp({ endpoint: `http://127.0.0.1:${port}`, credentials, attempts: 1 });
}

const leavesOf = (name: string, count: number): Hash[] =>
  Array.from({ length: count }, (_, i) => createHash('sha256').update(`${name} ${i}`).digest());

/** A history of leaves: its checkpoints, and its proofs as a server sends them. */
function history(leaves: readonly Hash[]) {
  const at = (size: number): Checkpoint => ({
    origin: 'log.example/orders',
    size,
    root: appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)).root,
  });
  const nodes: NodeReader = async (ids) =>
    ids.map(
      ({ level, index }) =>
        appendLeaves(EMPTY_FRONTIER, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)).root,
    );
  const prove = async (query: URLSearchParams): Promise<readonly [number, unknown]> => {
    const proof = await proveConsistency(Number(query.get('from')), Number(query.get('to')), nodes);
    return [200, { proof: proof.map(toBase64) }];
  };
  return { at, prove };
}

const honest = history(leavesOf('honest', 20));
const forked = history([...leavesOf('honest', 7), ...leavesOf('forked', 13)]);

describe('what a client has seen of a log', () => {
  it('grows with every checkpoint that extends it, in whatever order they come', async () => {
    const view = new LogView(await clientOf(honest.prove), 'orders');
    for (const size of [3, 7, 7, 16, 12, 20]) await view.extend(honest.at(size));
    expect(view.newest).toEqual(honest.at(20));
  });

  it('begins where the last time ended', async () => {
    const view = new LogView(await clientOf(honest.prove), 'orders', honest.at(5));
    await view.extend(honest.at(9));
    expect(view.newest?.size).toBe(9);
  });
});

describe('a log that contradicts what a client has seen', () => {
  const contradiction =
    /^the log log\.example\/orders contradicts itself: its checkpoints of \d+ records \(root [0-9a-f]{64}\) and \d+ records \(root [0-9a-f]{64}\) are not of one history: /;

  it.each<[string, Checkpoint, typeof honest]>([
    ['a fork that is larger, with its own proof', forked.at(16), forked],
    ['a fork that is larger, with the proof of the honest log', forked.at(16), honest],
    ['a fork of the same size', forked.at(12), honest],
    ['a fork that is smaller', forked.at(9), forked],
    ['an empty log that is not', { ...honest.at(0), root: honest.at(1).root }, honest],
    ['another log', { ...honest.at(16), origin: 'other.example/orders' }, honest],
  ])('is found: %s', async (_, checkpoint, server) => {
    const view = new LogView(await clientOf(server.prove), 'orders', honest.at(12));
    await expect(view.extend(checkpoint)).rejects.toMatchObject({
      code: 'proof_mismatch',
      message: expect.stringMatching(
        checkpoint.origin === 'log.example/orders'
          ? contradiction
          : /contradicts itself: .*the older one is of log\.example\/orders$/,
      ),
    });
    expect(view.newest).toEqual(honest.at(12));
  });

  it.each<[string, readonly [number, unknown], RegExp]>([
    [
      'that it denies',
      [404, { code: 'not_found', detail: 'no checkpoint of size 12' }],
      /^the log denies a checkpoint that it has signed: no checkpoint of size 12$/,
    ],
    ['without a proof', [200, {}], /^the server sent no consistency proof$/],
    ['with a proof of something else', [200, { proof: 'yes' }], /^the server sent no consistency proof$/],
    ['with hashes that are none', [200, { proof: ['?'] }], /^a hash of the consistency proof is not canonical base64$/],
  ])('answers about a checkpoint %s', async (_, answer, message) => {
    const view = new LogView(await clientOf(async () => answer), 'orders', honest.at(12));
    await expect(view.extend(honest.at(16))).rejects.toMatchObject({
      code: 'proof_mismatch',
      message: expect.stringMatching(message),
    });
  });

  it('is not blamed for a server that is away', async () => {
    const view = new LogView(
      await clientOf(async () => [503, { code: 'unavailable', detail: 'later' }]),
      'orders',
      honest.at(12),
    );
    await expect(view.extend(honest.at(16))).rejects.toMatchObject({ code: 'unavailable', message: 'later' });
  });
});

describe('the keys that a server names', () => {
  it.each<[string, unknown, RegExp]>([
    ['no list', {}, /^the server did not answer with keys$/],
    ['a list of something else', { keys: [7] }, /^a vkey has the form /],
    ['a key without a vkey', { keys: [{ pem: 'x' }] }, /^a vkey has the form /],
    ['no list of retired ones', { keys: [], retired: 'x' }, /^the server did not answer with keys$/],
    [
      'a retired key without an end',
      { keys: [], retired: [{ vkey: KEY_LINE }] },
      /^the server names a retired key without its end$/,
    ],
    [
      'a retired key with an end that is none',
      { keys: [], retired: [{ vkey: KEY_LINE, to: -1 }] },
      /^the server names a retired key without its end$/,
    ],
  ])('are refused: %s', async (_, body, message) => {
    await expect(fetchKeys(await clientOf(async () => [200, body]))).rejects.toMatchObject({
      code: 'malformed_key',
      message: expect.stringMatching(message),
    });
  });

  it('are those that sign now, and those that were retired, with their end', async () => {
    const http = await clientOf(async () => [200, { keys: [], retired: [{ vkey: KEY_LINE, to: 7 }] }]);
    expect(await fetchKeys(http)).toMatchObject([{ verifier: { vkey: KEY_LINE }, to: 7 }]);
  });

  it('are asked for by trail', async () => {
    const asked: string[] = [];
    const http = await clientOf(async (query) => {
      asked.push(query.toString());
      return [200, { keys: [] }];
    });
    expect(await fetchKeys(http, ['a', 'b'])).toEqual([]);
    expect(await fetchKeys(http)).toEqual([]);
    expect(asked).toEqual(['trail=a&trail=b', '']);
  });
});
