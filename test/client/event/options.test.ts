import { expect, it, onTestFinished, vi } from 'vitest';
import { type ApiOptions, type AuditLoggerOptions, createAuditLogger } from '../../../lib/client/index.ts';

const api = (options: object): AuditLoggerOptions => {
  const complete: ApiOptions = { trail: 'orders', endpoint: 'http://127.0.0.1:1', ...options };
  return { api: complete };
};
/** The cast: a program in JavaScript may pass anything. */
const any = (options: object): AuditLoggerOptions => ({ memory: {}, ...options }) as AuditLoggerOptions;

it.each<[options: AuditLoggerOptions, message: RegExp]>([
  [any({ level: 'warn' }), /^level must be one of debug, info, warning, error, critical, not warn$/],
  [any({ invalid: true }), /^invalid must be one of fit, throw, not true$/],
  [any({ tooLarge: 'trim' }), /^tooLarge must be one of cut, refuse, not trim$/],
  [any({ memory: { limit: 0 } }), /^limit must be a whole number from 1 to \d+, not 0$/],
  [any({ file: { dir: 'x', rotate: 'monthly' } }), /^rotate must be one of hourly, daily, weekly, not monthly$/],
  [any({ file: { dir: 'x', format: 'csv' } }), /^format must be one of json, text, not csv$/],
  [any({ file: { dir: 'x', fsync: true } }), /^fsync must be one of always, never, not true$/],
  [any({ file: { dir: 'x', whenFull: 'wait' } }), /^whenFull must be one of block, throw, drop, not wait$/],
  [api({ maxEvents: 0 }), /^maxEvents must be a whole number from 1 /],
  [api({ maxBytes: Number.NaN }), /^maxBytes must be a whole number from 1 to \d+, not NaN$/],
  [api({ batchEvents: 0 }), /^batchEvents must be a whole number from 1 to 1000, not 0$/],
  [api({ batchEvents: 1001 }), /^batchEvents must be a whole number from 1 to 1000, not 1001$/],
  [api({ batchBytes: 5_000_000 }), /^batchBytes must be a whole number from 1 to 4000000, not 5000000$/],
  [api({ batchDelay: -1 }), /^batchDelay must be a whole number from 0 /],
  [api({ flushTimeout: '10s' }), /^flushTimeout must be a whole number from 0 to 2147483647, not 10s$/],
  [api({ maxSpoolBytes: 0.5 }), /^maxSpoolBytes must be a whole number from 0 /],
  [api({ timeout: 0 }), /^timeout must be a whole number from 1 /],
  [api({ trail: 'Orders' }), /^trail must be a name of up to 63 of a-z, 0-9 and hyphens, not Orders$/],
  [api({ trail: '_system' }), /^trail must be a name/],
  [any({ enable: false }), /^there is no option enable: there are api, file, memory, sinks, level/],
  [any({ memory: { max: 1 } }), /^there is no option memory\.max: there are limit$/],
  [any({ file: { dir: 'x', rotation: 'daily' } }), /^there is no option file\.rotation: there are maxEvents/],
  [api({ url: 'http://127.0.0.1:1' }), /^there is no option api\.url: there are maxEvents/],
])('an option that cannot be is refused before anything is logged: %j', (options, message) => {
  const field = /^(?:there is no option )?([\w.]+)/.exec(message.source.slice(1).replaceAll('\\', ''))?.[1];
  expect(() => createAuditLogger(options)).toThrow(
    expect.objectContaining({ code: 'usage', field, message: expect.stringMatching(message) }),
  );
});

it('an api without its log says what is missing, all of it', () => {
  vi.stubEnv('SEALTRAIL_ENDPOINT', undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  // The cast: a program in JavaScript may pass anything.
  expect(() => createAuditLogger({ api: {} as ApiOptions })).toThrow(
    'api needs where the log is (endpoint, or SEALTRAIL_ENDPOINT) and the name of the trail to log to (trail)',
  );
  expect(() => createAuditLogger({ api: { trail: 'orders' } })).toThrow(/^api needs where the log is .*NT\)$/);
});
