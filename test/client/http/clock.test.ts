import { describe, expect, it } from 'vitest';
import { SigningClock } from '../../../lib/client/http/clock.ts';
import { ApiSink, AuditLogger, SignedHttp } from '../../../lib/client/index.ts';
import { logMany } from '../load.ts';
import { startProxiedLog } from '../proxy.ts';
import { trail } from '../test-logger.ts';

const HOUR = 3_600_000;

describe('on a machine with a wrong clock', () => {
  it.each([
    ['an hour slow', -HOUR],
    ['an hour fast', HOUR],
    ['years slow', -9000 * 24 * HOUR],
  ])('%s: what is logged is in the log once, and nothing seems to be wrong', async (_, skew) => {
    const proxied = await startProxiedLog();
    const errors: Error[] = [];
    const { url, api } = proxied;
    const credentials = api.credentials ?? expect.fail('there are credentials');
    const http = new SignedHttp({ endpoint: url, credentials, attempts: 1, now: () => Date.now() + skew });
    const sink = new ApiSink({ http, trail, batchDelay: 5, batchEvents: 10, onError: (error) => errors.push(error) });
    const audit = new AuditLogger([sink]);
    const ids = logMany(audit, 'e', 30);
    await audit.close();
    expect([await proxied.ids(trail), errors]).toEqual([ids, []]);
  });
});

describe('the clock that signs', () => {
  const at = Date.UTC(2026, 10, 21, 12);
  const answer = (status: number, date?: number): Pick<Response, 'status' | 'headers'> => ({
    status,
    headers: new Headers(date === undefined ? {} : { date: new Date(date).toUTCString() }),
  });

  it('goes by the server where a signature was refused for the time', () => {
    const clock = new SigningClock(() => at);
    expect(clock.correct(answer(403, at + HOUR))).toBe(true);
    expect(clock.now().getTime()).toBe(at + HOUR);
    // Refused again at that time: then it is for another reason.
    expect(clock.correct(answer(403, at + HOUR))).toBe(false);
    expect(clock.correct(answer(401, at))).toBe(true);
    expect(clock.now().getTime()).toBe(at);
  });

  it('stays where the answer is another one, or tells no time, or much the same one', () => {
    const clock = new SigningClock(() => at);
    for (const other of [answer(403), answer(403, at + 100_000), answer(400, at + HOUR), answer(200, at + HOUR)]) {
      expect(clock.correct(other)).toBe(false);
    }
    expect(clock.now().getTime()).toBe(at);
  });
});
