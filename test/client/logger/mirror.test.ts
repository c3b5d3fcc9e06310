import { Writable } from 'node:stream';
import pino from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import winston from 'winston';
import { createAuditLogger, type Mirror } from '../../../lib/client/index.ts';

/** Mirrors to the loggers that applications have, as they really write. */

afterEach(() => vi.restoreAllMocks());

/** A stream that keeps what it gets. */
function collector(): { readonly stream: Writable; readonly lines: () => unknown[] } {
  const parts: string[] = [];
  const stream = new Writable({
    write: (part, _, done) => {
      parts.push(String(part));
      done();
    },
  });
  return {
    stream,
    lines: () =>
      parts
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
  };
}

function logTo(mirror: Mirror): void {
  const audit = createAuditLogger({ memory: {}, mirror });
  for (const type of ['quota.checked', 'invoice.paid', 'auth.login_failed', 'system.error', 'emergency_stop']) {
    audit.log({ type, id: `e-${type}`, details: { n: 1 } });
  }
}

describe('events mirrored', () => {
  it('to pino have its level, a message and their fields', () => {
    const { stream, lines } = collector();
    logTo(pino({ level: 'debug' }, stream));
    expect(lines()).toMatchObject([
      { level: 20, msg: 'audit quota.checked', type: 'quota.checked', details: { n: 1 } },
      { level: 30, msg: 'audit invoice.paid', id: 'e-invoice.paid' },
      { level: 40, msg: expect.stringMatching(/^audit auth.login_failed\b/) },
      { level: 50, msg: 'audit system.error' },
      { level: 50, msg: 'audit emergency_stop' },
    ]);
  });

  it('to winston too', () => {
    const { stream, lines } = collector();
    logTo(winston.createLogger({ level: 'debug', transports: [new winston.transports.Stream({ stream })] }));
    expect(lines()).toMatchObject([
      { level: 'debug', message: 'audit quota.checked', details: { n: 1 } },
      { level: 'info', message: 'audit invoice.paid', id: 'e-invoice.paid' },
      { level: 'warn', message: expect.stringMatching(/^audit auth.login_failed\b/) },
      { level: 'error', message: 'audit system.error' },
      { level: 'error', message: 'audit emergency_stop' },
    ]);
  });

  it('to winston with the levels of syslog, which has no warn', () => {
    const { stream, lines } = collector();
    const levels = winston.config.syslog.levels;
    logTo(winston.createLogger({ levels, level: 'debug', transports: [new winston.transports.Stream({ stream })] }));
    expect(lines()).toMatchObject([
      { level: 'debug' },
      { level: 'info' },
      { level: 'warning' },
      { level: 'error' },
      {},
    ]);
  });

  it('to the console', () => {
    const written: unknown[] = [];
    for (const name of ['debug', 'info', 'warn', 'error'] as const) {
      vi.spyOn(console, name).mockImplementation((text, fields) => written.push([name, text, fields.id]));
    }
    logTo(console);
    expect(written).toEqual([
      ['debug', 'audit quota.checked', 'e-quota.checked'],
      ['info', 'audit invoice.paid', 'e-invoice.paid'],
      ['warn', expect.stringMatching(/^audit auth.login_failed\b/), 'e-auth.login_failed'],
      ['error', 'audit system.error', 'e-system.error'],
      ['error', 'audit emergency_stop', 'e-emergency_stop'],
    ]);
  });
});
