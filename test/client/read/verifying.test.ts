import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { SignedHttp } from '../../../lib/client/http/http.ts';
import { LogReader } from '../../../lib/client/read/reader.ts';
import type { VerificationReply } from '../../../lib/contract/verification.ts';
import { closed, listening } from '../../functions/loopback.ts';

/** A verification that takes long: the client asks once, and looks until there is a report. */

let server: Server | undefined;
afterEach(async () => {
  if (server !== undefined) await closed(server);
});

const REPLY = { id: 'v1', trail: 'orders', state: 'running', request: 'full', requestedBy: 'me', requestedAt: 1 };
const REPORT = { mode: 'full', verdict: 'ok', from: 0, to: 9, problems: [], moreProblems: 0, notLookedAt: [] };

/** A log that answers to looks, one after the other, and says what it was asked. */
async function log(...looks: object[]) {
  const asked: string[] = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const isRequest = request.method === 'POST';
    response.writeHead(isRequest ? 202 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isRequest ? { ...REPLY, state: 'queued' } : (looks.shift() ?? REPLY)));
  });
  const credentials = async () => ({ accessKeyId: 'me', secretAccessKey: 'secret' });
  return { reader: new LogReader(new SignedHttp({ endpoint: await listening(server), credentials }), 'orders'), asked };
}

it('is asked for once, and looked at until its report is there', async () => {
  const progress = { at: 4, of: 9 };
  const { reader, asked } = await log({ ...REPLY, progress }, { ...REPLY, state: 'done', report: REPORT });
  const found: VerificationReply[] = [];
  expect(await reader.verifyIntegrity('full', { onLook: (look) => found.push(look) })).toEqual(REPORT);
  expect(found.map(({ state, progress: at }) => [state, at])).toEqual([
    ['running', progress],
    ['done', undefined],
  ]);
  const path = '/v1/trails/orders/verifications';
  expect(asked).toEqual([`POST ${path}`, `GET ${path}/v1`, `GET ${path}/v1`]);
});

it('that did not get through is an error, and no report', async () => {
  const { reader } = await log({
    ...REPLY,
    state: 'failed',
    error: { code: 'invalid_parameter', message: 'too far', field: 'to' },
  });
  await expect(reader.verifyIntegrity({ to: 9 })).rejects.toMatchObject({
    ...{ code: 'invalid_parameter', field: 'to' },
    message: 'verification v1 did not get through: too far',
  });
});

it('is waited for no longer than the program wants', async () => {
  const { reader } = await log();
  const ended = new AbortController();
  const waiting = reader.verifyIntegrity('full', { signal: ended.signal, onLook: () => ended.abort() });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
