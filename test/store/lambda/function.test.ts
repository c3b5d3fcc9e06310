import { describe, expect, it } from 'vitest';
import { type Invocation, invoked, type Said } from './invocations.ts';

/** How one function asks another: what it is told must be true of all attempts, which the SDK makes by itself. */

const THROTTLE: Said = { status: 429, refusal: 'TooManyRequestsException' };
const BROKEN: Said = { status: 500, refusal: 'ServiceException' };
const FINE: Said = { answer: '{"sealed":null}' };

/** A function that is answered for so, attempt by attempt, the last answer for good; and what came in. */
async function answering(...said: Said[]) {
  const asked: Invocation[] = [];
  const fn = await invoked((invocation) => {
    asked.push(invocation);
    return said.length > 1 ? said.shift() : said[0];
  });
  return { fn, asked };
}

// Together: the SDK waits between attempts.
describe.concurrent('a function that is asked', () => {
  it('gets the question as JSON, and what it answers comes back', async () => {
    const { fn, asked } = await answering(FINE);
    expect(await fn.ask({ seal: 'orders' })).toEqual({ sealed: null });
    const path = '/2015-03-31/functions/Audit-Follow/invocations';
    expect(asked).toEqual([{ path, type: 'RequestResponse', payload: '{"seal":"orders"}' }]);
  });

  it('may be told to run later, which is not waited for', async () => {
    const { fn, asked } = await answering({ answer: '' });
    await fn.tell({ verify: { trail: 'orders' } });
    expect(asked).toMatchObject([{ type: 'Event', payload: '{"verify":{"trail":"orders"}}' }]);
    const { fn: busy } = await answering(THROTTLE);
    await expect(busy.tell({})).rejects.toMatchObject({ code: 'throttled', retryAfter: 1 });
  });

  it.each([
    ['a throttle', THROTTLE],
    ['a failure of Lambda’s', BROKEN],
    ['an answer that was lost', undefined],
  ] as const)('is asked again after %s', async (_, first) => {
    const { fn, asked } = await answering(first, FINE);
    expect(await fn.ask({ seal: 'orders' })).toEqual({ sealed: null });
    expect(asked).toHaveLength(2);
  });

  it.each([
    [THROTTLE, 'throttled', 'too many functions run at the same time'],
    [BROKEN, 'unavailable', 'Lambda refused to run a function: ServiceException'],
    [undefined, 'outcome_unknown', 'it is not known whether this was done: ask again'],
  ] as const)('for which there is no answer at last says what is known: %j', async (said, code, message) => {
    const { fn, asked } = await answering(said);
    const cause = expect.any(Error);
    await expect(fn.ask({})).rejects.toMatchObject({ code, message, retryAfter: 1, cause });
    expect(asked).toHaveLength(2);
  });

  it.each([
    [403, 'AccessDeniedException'],
    [404, 'ResourceNotFoundException'],
  ])('is not asked again where it cannot be run: %d %s', async (status, refusal) => {
    const { fn, asked } = await answering({ status, refusal });
    const message = `Lambda refused to run a function: ${refusal}`;
    await expect(fn.ask({})).rejects.toMatchObject({ code: 'unavailable', message });
    expect(asked).toHaveLength(1);
  });

  it('is not asked again when it failed, and how it failed is the cause', async () => {
    const functionError = '{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 300.00 seconds"}';
    const { fn, asked } = await answering({ functionError });
    const cause = expect.objectContaining({ message: functionError });
    await expect(fn.ask({})).rejects.toMatchObject({ code: 'unavailable', message: 'a function failed', cause });
    expect(asked).toHaveLength(1);
  });

  it.each(['', 'sealed', '{'])('has to answer in JSON, not %j', async (answer) => {
    const { fn } = await answering({ answer });
    const message = 'a function did not answer in JSON';
    await expect(fn.ask({})).rejects.toMatchObject({ code: 'unavailable', message });
  });

  it('and goes on for longer than is waited is not asked again meanwhile', async () => {
    const asked: Invocation[] = [];
    const forever = new Promise<Said>(() => undefined);
    const fn = await invoked(
      (invocation) => {
        asked.push(invocation);
        return forever;
      },
      { timeoutMs: 300 },
    );
    const message = 'this takes longer than an answer may, and goes on: ask again';
    await expect(fn.ask({})).rejects.toMatchObject({ code: 'outcome_unknown', message });
    expect(asked).toHaveLength(1);
  });
});
