import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiSink, createAuditLogger, SignedHttp, type Sink } from '../../../lib/client/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-kept-'));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

/** A logger to a log that is away. */
function away(spool?: string) {
  const credentials = async () => ({ accessKeyId: 'AKIA', secretAccessKey: 's' });
  const http = new SignedHttp({ endpoint: 'http://127.0.0.1:9', credentials, attempts: 1 });
  const options = { http, trail: 'orders', flushTimeout: 1, batchDelay: 60_000 };
  const audit = createAuditLogger({
    sinks: [new ApiSink({ ...options, ...(spool === undefined ? {} : { spool }) })],
    onError: () => undefined,
  });
  closing.push(() => audit.close());
  return audit;
}

const state = (promise: Promise<unknown>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'kept',
      (error: Error) => error.message,
    ),
    new Promise<string>((resolve) => setTimeout(resolve, 60, 'open')),
  ]);

describe('an event is kept', () => {
  it('once the spool has it, though the log is away', async () => {
    const handle = away(join(folder, 'spool')).logNow({ type: 'a.b' });
    await handle.kept;
    expect(await state(handle.receipt)).toBe('open');
  });

  it('not before, where it waits for others to share its batch', async () => {
    expect(await state(away(join(folder, 'spool')).log({ type: 'a.b' }).kept)).toBe('open');
  });

  it('not in memory alone', async () => {
    expect(await state(away().logNow({ type: 'a.b' }).kept)).toBe('open');
  });

  it('once every sink has it, be it asked before or after', async () => {
    const landed: (() => void)[] = [];
    const slow: Sink = {
      name: 'slow',
      write: (entry) => void landed.push(entry.landed),
      flush: async () => undefined,
      close: async () => undefined,
    };
    const handle = createAuditLogger({ memory: {}, sinks: [slow] }).logNow({ type: 'a.b' });
    expect(await state(handle.kept)).toBe('open');
    landed[0]?.();
    landed[0]?.();
    expect(await state(handle.kept)).toBe('kept');
  });

  it('where nothing is to be logged', async () => {
    expect(await state(createAuditLogger({ memory: {}, enabled: false }).logNow({ type: 'a.b' }).kept)).toBe('kept');
  });

  it('never, where a sink cannot take it', async () => {
    const full: Sink = {
      name: 'full',
      write: (entry) => {
        entry.failed(new Error('full'));
        return undefined;
      },
      flush: async () => undefined,
      close: async () => undefined,
    };
    expect(await state(createAuditLogger({ sinks: [full] }).logNow({ type: 'a.b' }).kept)).toBe('full');
  });
});
