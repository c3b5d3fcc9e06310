import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import {
  type AuditLogger,
  createAuditLogger,
  type Entry,
  MemorySink,
  type Sink,
  withContext,
} from '../../../lib/client/index.ts';
import { auditMiddleware } from '../../../lib/client/middleware/middy.ts';

/** A Lambda's view of the client: whatever is in memory when a function answers may never leave it. */

// The cast: what Lambda says of an invocation, as far as anybody asks.
const invocation = (id: string, left = 60_000): Context =>
  ({ awsRequestId: id, getRemainingTimeInMillis: () => left }) as unknown as Context;

function audited(sink: Sink, errors: Error[] = []) {
  const audit = createAuditLogger({ sinks: [sink] });
  const middleware = auditMiddleware(audit, {
    context: (event) => ({ tenant: String(event) }),
    onError: (error) => errors.push(error),
  });
  const handled = (work: (audit: AuditLogger) => unknown) =>
    middy(async (_event: string, _context: Context) => work(audit)).use(middleware);
  return { audit, handled };
}

/** A sink whose flush the test ends. */
function slow(): Sink & { readonly written: Entry[]; end: (error?: Error) => void } {
  const sink = {
    ...{ name: 'slow', written: [] as Entry[], end: (_?: Error): void => undefined },
    write: (entry: Entry) => void sink.written.push(entry),
    flush: () => new Promise<void>((resolve, reject) => (sink.end = (error) => (error ? reject(error) : resolve()))),
    close: async () => undefined,
  };
  return sink;
}

describe('a function with auditMiddleware', () => {
  it('logs with the context of its invocation, and of no other', async () => {
    const memory = new MemorySink();
    const { audit, handled } = audited(memory);
    const handler = handled(async () => {
      await Promise.resolve();
      audit.log({ type: 'a.b' });
      return 'done';
    });
    expect(await handler('acme', invocation('i-1'))).toBe('done');
    await withContext({ session: 'leftover' }, () => handler('other', invocation('i-2')));
    expect(memory.events.map(({ context }) => context)).toEqual([
      { request: 'i-1', tenant: 'acme' },
      { request: 'i-2', tenant: 'other' },
    ]);
  });

  it.each<[what: string, context: () => unknown]>([
    ['an actor that is 0', () => ({ actor: 0 })],
    ['an actor with a name that is too long', () => ({ actor: { id: 'x'.repeat(600) } })],
    ['a tenant that is an object', () => ({ tenant: { $gt: '' } })],
    ['an actor that throws when it is read', () => ({ actor: new Proxy({}, { get: () => [].at(Symbol() as never) }) })],
    ['nothing that can be read', () => new Proxy({}, { ownKeys: () => [].concat({} as never) })],
  ])('logs what happens in an invocation with %s', async (_, context) => {
    const memory = new MemorySink();
    const audit = createAuditLogger({ sinks: [memory], onError: () => undefined });
    const options = { context: context as () => object, onError: () => undefined }; // as programs in JavaScript do
    const handler = middy(async () => audit.log({ type: 'a.b', action: 'approve' }).receipt);
    await handler.use(auditMiddleware(audit, options))('acme', invocation('i-1'));
    expect(memory.events).toMatchObject([{ type: 'a.b', action: 'approve', context: { request: 'i-1' } }]);
  });

  it.each(['answers', 'fails'])('that %s does so when its events are safe, not before', async (how) => {
    const sink = slow();
    const { handled } = audited(sink);
    const handler = handled(async (audit) => {
      audit.log({ type: 'a.b' });
      if (how === 'fails') throw new Error('bug');
      return 'done';
    });
    let settled = false;
    const result = handler('acme', invocation('i-1')).finally(() => {
      settled = true;
    });
    result.catch(() => undefined);
    await expect.poll(() => sink.written.length, { interval: 1 }).toBe(1);
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    sink.end();
    await (how === 'fails' ? expect(result).rejects.toThrow(new Error('bug')) : expect(result).resolves.toBe('done'));
  });

  it('has its result also when the log is away, or when it takes longer than the function may', async () => {
    const errors: Error[] = [];
    const sink = slow();
    const { handled } = audited(sink, errors);
    const handler = handled(() => {
      setImmediate(() => sink.end(new Error('away')));
      return 'done';
    });
    expect(await handler('acme', invocation('i-1'))).toBe('done');
    expect(await handled(() => 'late')('acme', invocation('i-2', 100))).toBe('late');
    expect(errors.map(({ message }) => message)).toEqual([
      'away',
      'the function has no time left to wait for its events to be safe',
    ]);
  });
});
