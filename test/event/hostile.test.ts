import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES, MAX_EVENT_BYTES } from '../../lib/contract/event.ts';
import { prepareBatch } from '../../lib/event/intake.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { maskValue } from '../../lib/privacy/mask.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';
import { scrubEvent } from '../../lib/privacy/scrub.ts';
import { KeyMatcher } from '../../lib/privacy/secret-keys.ts';
import { redactText, SECRET_PATTERNS } from '../../lib/privacy/secret-text.ts';

/**
 * Bodies made to cost much: each is as large as is allowed. Whatever takes time that grows with the square of its input
 * would not come back from here before the runner gives up.
 */

/** Enough to make the square of an event's size felt. */
const EVENTS = 8;

/** What comes of a body: how many events, or the code of the refusal. Any other error is a defect. */
function outcome(body: string): number | string {
  try {
    return prepareBatch(Buffer.from(body), 'application/json', DEFAULT_POLICY).length;
  } catch (error) {
    if (error instanceof SealtrailError) return error.code;
    throw error;
  }
}

/** As many members as an event holds. */
function memberEvent(member: (i: number) => string): string {
  let members = member(0);
  for (let i = 1; members.length < MAX_EVENT_BYTES - 700; i++) members += `,${member(i)}`;
  return `{"type":"a.b","details":{${members}}}`;
}

function batchOf(event: string): string {
  return `{"events":[${Array(EVENTS).fill(event).join()}]}`;
}

describe('bombs', () => {
  it.each([
    ['brackets', '['.repeat(MAX_BODY_BYTES), 'invalid_json'],
    ['braces', '{"a":'.repeat(MAX_BODY_BYTES / 5), 'invalid_json'],
    ['brackets in an event', `{"events":[{"type":"a.b","details":${'['.repeat(4_000_000)}`, 'invalid_json'],
    ['white space', ' '.repeat(MAX_BODY_BYTES), 'invalid_json'],
    ['a string that does not end', `"${'a'.repeat(MAX_BODY_BYTES - 1)}`, 'invalid_json'],
    ['a key that does not end', `{"${'a'.repeat(MAX_BODY_BYTES - 2)}`, 'invalid_json'],
    ['backslashes', `"${'\\'.repeat(MAX_BODY_BYTES - 2)}"`, 'record_too_large'],
    ['escapes', `"${'\\u0041'.repeat(800_000)}"`, 'record_too_large'],
    ['a number of five million digits', `{"n":${'9'.repeat(MAX_BODY_BYTES - 10)}}`, 'record_too_large'],
    ['a fraction of five million digits', `{"n":0.${'0'.repeat(MAX_BODY_BYTES - 20)}1}`, 'record_too_large'],
    ['an exponent of five million digits', `{"n":1e${'9'.repeat(MAX_BODY_BYTES - 10)}}`, 'record_too_large'],
    ['a zero of five million digits', `{"n":0.${'0'.repeat(MAX_BODY_BYTES - 10)}}`, 'record_too_large'],
    ['empty events', `{"events":[${'{},'.repeat(1_600_000)}{}]}`, 'batch_too_large'],
    ['one event of five million members', `{${'"a":0,'.repeat(800_000)}"b":0}`, 'record_too_large'],
    ['line ends before an error', `${'\n'.repeat(MAX_BODY_BYTES - 1)}!`, 'invalid_json'],
  ])('%s', (_what, body, expected) => {
    expect(body.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
    expect(outcome(body)).toBe(expected);
  });
});

describe('floods of keys, in events as large as they may be', () => {
  const digits = (i: number): string => String(i).padStart(4, '0');
  it.each([
    ['ever new ones', memberEvent((i) => `"key${i}":0`), EVENTS],
    ['array indices', memberEvent((i) => `"${i}":0`), EVENTS],
    ['in descending order', memberEvent((i) => `"k${9999 - i}":0`), EVENTS],
    ['long ones', memberEvent((i) => `"${digits(i)}${'x'.repeat(500)}":0`), EVENTS],
    ['of many words', memberEvent((i) => `"${'a-B_'.repeat(100)}${i}":0`), EVENTS],
    ['that are all masked alike', memberEvent((i) => `"a${digits(i)}@x.example":0`), EVENTS],
    [
      'that are masked alike with numbers taken',
      memberEvent((i) => `"${i % 2 ? `a${i}@x.example` : `a***@x.example (${i})`}":0`),
      EVENTS,
    ],
    ['that are secret', memberEvent((i) => `"token${i}":"x"`), EVENTS],
    ['that come twice at the very end', memberEvent((i) => `"key${i}":0`).replace('}}', ',"key0":0}}'), 'invalid_json'],
    ['called __proto__, deep', `{"type":"a.b","details":${'{"__proto__":'.repeat(31)}1${'}'.repeat(31)}}`, EVENTS],
  ])('%s', (_what, event, expected) => {
    expect(event.length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    expect(outcome(batchOf(event))).toBe(expected);
  });
});

const keys = new KeyMatcher(DEFAULT_POLICY.redactKeys);

describe('text that looks like the start of something again and again, far longer than an event', () => {
  it.each([
    ...[
      '@',
      'a@',
      'a@a',
      '@a.aa',
      'a@a.aa',
      '%40',
      'a%40a.aa',
      'x',
      '.',
      '-',
      ':',
      '::',
      '0:',
      'a:',
      '1.1.1.1',
      '1.',
      '1.1.1.',
    ],
    ...[
      '1',
      '4',
      '4111 ',
      '4111-',
      '0 ',
      '4111111111111111 ',
      'eyJ',
      'eyJ-',
      'eyJ.',
      'eyJaaaaaaaa.',
      '://',
      '://a:',
      ':a@',
      '/a:b@',
    ],
    ...[
      'Bearer ',
      'basic  ',
      'Bearer a',
      'AKIA',
      'AKIA0',
      'ghp_',
      'ghp_a ',
      '-----BEGIN PRIVATE KEY-----',
      '-----',
      '-----BEGIN ',
    ],
    ...[
      'password=',
      'password: ',
      'a=',
      'token:"',
      '\\"token\\":\\"',
      '--password ',
      ' -u a',
      'curl -u a:',
      'Cookie: ',
      'sk-',
      '&sig=',
    ],
    ...[
      'hooks.slack.com/services/',
      '{"a":',
      '[[',
      '[{"a":[',
      'PuTTY-User-Key-File-2:',
      'digest ',
      'SG.a',
      'Aa0/',
      'p_',
      ';x=',
      '\u0430',
    ],
    ...['authorization: ', "'", '`', '"password":[', 'password=[', 'eyJ.eyJ.'],
    ...['version ', 'v', '[redacted]', '***', 'é', '用', '😀', '\u0000', '\\', 'aA', 'a_', 'token '],
  ])('%j', (piece) => {
    const text = piece.repeat(100_000 / piece.length);
    const event = { details: { text, list: [text.slice(0, 30_000)] } };
    expect(scrubEvent(event, DEFAULT_POLICY).length).toBeLessThanOrEqual(2);
    const scrubbed = maskValue(redactText(text, SECRET_PATTERNS, keys));
    expect(maskValue(redactText(scrubbed, SECRET_PATTERNS, keys))).toBe(scrubbed);
  });
});
