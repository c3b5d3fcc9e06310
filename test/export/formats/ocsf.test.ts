import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { canonicalize } from 'json-canonicalize';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../lib/contract/catalogue.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../../../lib/contract/vocabulary.ts';
import { ocsfEvent } from '../../../lib/export/formats/ocsf.ts';
import { OcsfChain } from '../../../lib/export/formats/ocsf-chain.ts';
import {
  OCSF_CLASSES,
  OCSF_VERSION,
  type OcsfClassName,
  ocsfActivity,
} from '../../../lib/export/formats/ocsf-classes.ts';

interface Published {
  readonly version: string;
  readonly captions: Readonly<
    Record<
      string,
      { uid: number; caption: string; category_uid: number; category_name: string; activities: Record<string, string> }
    >
  >;
  readonly classes: Readonly<Record<string, object>>;
  readonly $defs: object;
}
const published: Published = JSON.parse(
  readFileSync(new URL('../../vectors/ocsf/1.9.0.json', import.meta.url), 'utf8'),
);

// The published schema has keywords of its own (such as captions), which say nothing about what is valid.
const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
const validators = new Map(
  Object.entries(published.classes).map(([name, schema]) => [name, ajv.compile({ ...schema, $defs: published.$defs })]),
);

/** What the published schema has against an event; nothing is what one wants. */
function objections(event: object): unknown {
  const classUid = Reflect.get(event, 'class_uid');
  const [name = 'no class'] = Object.entries(OCSF_CLASSES).find(([, { uid }]) => uid === classUid) ?? [];
  const validate = validators.get(name);
  if (validate === undefined) return `there is no schema for ${name}`;
  return validate(JSON.parse(JSON.stringify(event))) ? [] : validate.errors;
}

const record = (event: object, more: object = {}) => ({
  v: 1 as const,
  trail: 'orders',
  seq: 7,
  prev: '0'.repeat(64),
  receivedAt: 1_790_000_000_000,
  submitter: 'arn:aws:iam::123456789012:role/shop',
  event: { id: 'e-1', severity: 'info', ...event } as Readonly<Record<string, unknown>>,
  ...more,
});

const full = {
  actor: { id: 'alice', type: 'user', name: 'Alice', ip: '203.0.113.7', userAgent: 'curl/8' },
  resource: { id: 'inv-1', type: 'invoice', name: 'Invoice 1' },
  context: {
    tenant: 't',
    project: 'p',
    session: 's',
    request: 'r',
    correlation: 'c',
    agent: 'a',
    action: 'x',
    approval: 'y',
  },
  action: 'pay',
  outcome: 'denied',
  decision: 'deny',
  severity: 'critical',
  description: 'What happened',
  time: '2026-01-31T23:59:59.123+01:00',
  changes: { before: 1, after: [2] },
  details: { nested: { deep: true } },
  redacted: ['details.token'],
};

describe('the published OCSF schema', () => {
  it('is that of the version that exports name', () => {
    expect(published.version).toBe(OCSF_VERSION);
  });

  it.each(Object.keys(OCSF_CLASSES) as OcsfClassName[])('names the class %s as we do', (name) => {
    const { uid, name: caption, categoryUid, categoryName } = OCSF_CLASSES[name];
    expect(published.captions[name]).toMatchObject({
      uid,
      caption,
      category_uid: categoryUid,
      category_name: categoryName,
    });
  });

  it.each(CATALOGUE.map(({ name }) => name))('has the activity that %s becomes, under its name', (type) => {
    const { className, id, name } = ocsfActivity(type);
    expect(published.captions[className]?.activities[id]).toBe(id === 99 ? 'Other' : name);
  });

  it('refuses what is not of a class, so that the tests below can fail', () => {
    expect(objections({ ...ocsfEvent(record({ type: 'auth.login' }), 'log'), surprise: 1 })).not.toEqual([]);
    expect(objections({ ...ocsfEvent(record({ type: 'auth.login' }), 'log'), user: {} })).not.toEqual([]);
  });
});

describe('a record in OCSF', () => {
  it.each([...CATALOGUE.map(({ name }) => name), 'invoice.paid'])(
    'of type %s is valid, with all fields or with none',
    (type) => {
      expect(objections(ocsfEvent(record({ type }), 'audit.example.com'))).toEqual([]);
      expect(objections(ocsfEvent(record({ ...full, type }), 'audit.example.com'))).toEqual([]);
    },
  );

  it('is valid whatever combination of fields an event has', () => {
    const word = fc.string({ minLength: 1, maxLength: 20 });
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const event = fc.record({
      type: fc.constantFrom(...CATALOGUE.map(({ name }) => name), 'invoice.paid'),
      severity: fc.constantFrom(...SEVERITIES),
      outcome: maybe(fc.constantFrom(...OUTCOMES)),
      decision: maybe(fc.constantFrom(...DECISIONS)),
      action: maybe(word),
      actor: maybe(
        fc.record({
          id: word,
          type: maybe(fc.constantFrom(...ACTOR_TYPES)),
          name: maybe(word),
          ip: maybe(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('203.0.113.***'))),
          userAgent: maybe(word),
        }),
      ),
      resource: maybe(fc.record({ id: maybe(word), type: maybe(word), name: maybe(word) })),
      context: maybe(fc.dictionary(fc.constantFrom('tenant', 'session', 'request', 'correlation', 'agent'), word)),
      time: maybe(fc.constantFrom('2026-01-31T23:59:59Z', '1999-12-31T23:59:60+14:00')),
      details: maybe(fc.dictionary(word, fc.jsonValue())),
    });
    fc.assert(
      fc.property(event, (one) => {
        expect(objections(ocsfEvent(record(JSON.parse(JSON.stringify(one))), 'audit.example.com'))).toEqual([]);
      }),
    );
  });

  it('says who did what, when, from where, how it ended, and which record it is', () => {
    expect(ocsfEvent(record({ ...full, type: 'auth.login' }), 'audit.example.com')).toMatchObject({
      class_uid: 3002,
      type_uid: 300201,
      type_name: 'Authentication: Logon',
      time: Date.parse('2026-01-31T22:59:59.123Z'),
      severity_id: 5,
      status_id: 2,
      status_detail: 'denied',
      action_id: 2,
      user: { uid: 'alice', name: 'Alice', type_id: 1 },
      src_endpoint: { ip: '203.0.113.7' },
      session: { uid: 's' },
      metadata: {
        uid: 'e-1',
        log_provider: 'audit.example.com',
        log_name: 'orders',
        sequence: 7,
        logged_time: 1_790_000_000_000,
        original_time: full.time,
        profiles: ['record_integrity', 'security_control', 'ai_operation'],
      },
    });
  });

  it('loses nothing of the event: what has no place in OCSF is in unmapped', () => {
    expect(ocsfEvent(record({ ...full, type: 'data.update' }), 'log')).toMatchObject({
      unmapped: { details: full.details, changes: full.changes, context: full.context, redacted: full.redacted },
    });
  });

  it('takes a masked address for a name, since it is no address', () => {
    const event = ocsfEvent(record({ type: 'data.read', actor: { id: 'a', ip: '203.0.113.***' } }), 'log');
    expect(event).toMatchObject({ src_endpoint: { name: '203.0.113.***' } });
    expect(objections(event)).toEqual([]);
  });

  it('names the agent, the model, its tokens, and under whose authority it was called', () => {
    const details = {
      provider: 'openai',
      answeredBy: 'gpt-5-mini-2026',
      usage: { inputTokens: 100, outputTokens: 20 },
      delegation: {
        uid: 'd-2',
        parent: 'd-1',
        issuer: 'https://sts.example',
        scopes: ['orders:read'],
        audience: 'orders',
      },
    };
    const call = {
      type: 'llm.response',
      actor: { id: 'bot', name: 'Bot' },
      resource: { type: 'model', id: 'gpt-5-mini' },
    };
    const event = ocsfEvent(record({ ...call, context: { agent: 'bot', session: 's-1' }, details }), 'log');
    const model = { name: 'gpt-5-mini', ai_provider: 'openai', version: 'gpt-5-mini-2026' };
    expect(event).toMatchObject({
      ai_agent: { uid: 'bot', name: 'Bot', instance_uid: 's-1', ai_model: model },
      ai_model: model,
      message_context: {
        ai_role_id: 2,
        service: { name: 'openai' },
        prompt_tokens: 100,
        completion_tokens: 20,
        total_tokens: 120,
      },
      delegation: {
        uid: 'd-2',
        parent_uid: 'd-1',
        issuer_uid: 'https://sts.example',
        scopes: ['orders:read'],
        audience: 'orders',
      },
      metadata: { profiles: ['record_integrity', 'ai_operation'] },
    });
    expect(objections(event)).toEqual([]);
    const finding = ocsfEvent(record({ type: 'security.alert', context: { agent: 'bot' } }), 'log');
    expect(finding).toMatchObject({ evidences: [{ ai_agent: { uid: 'bot' } }] });
    expect(objections(finding)).toEqual([]);
  });
});

describe('records in OCSF, one after the other', () => {
  const lines = [0, 1, 2].map((seq) =>
    JSON.stringify(record({ type: 'data.read', description: `two\nlines ${seq}` }, { seq })),
  );
  const chain = new OcsfChain('audit.example.com', 'audit.example.com/orders/3/all');
  const written = lines.map((line) => chain.line(line));
  const events = written.map((line) => JSON.parse(line));

  it('are a line each, valid, and a line that is no record is refused', () => {
    for (const line of written) expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(events.map(objections)).toEqual([[], [], []]);
    expect(() => chain.line('{}')).toThrow(expect.objectContaining({ code: 'malformed_record' }));
  });

  it('attest to themselves: anyone recomputes the fingerprint from the canonical event', () => {
    for (const event of events) {
      const [{ fingerprint, ...attestation }] = event.attestation_list;
      const canonical = canonicalize({ ...event, attestation_list: [attestation] });
      expect(fingerprint).toEqual({
        algorithm: 'SHA-256',
        algorithm_id: 3,
        encoding_id: 1,
        serialization_id: 2,
        value: createHash('sha256').update(canonical).digest('hex'),
      });
    }
  });

  it('name the one before, and the leaf of their record in the log', () => {
    const [first, second, third] = events.map(({ attestation_list: [attestation] }) => attestation);
    expect(first).not.toHaveProperty('prev_event');
    expect(second.prev_event).toEqual({ uid: 'e-1', type_uid: 600302, fingerprint: first.fingerprint });
    expect(third.prev_event.fingerprint).toEqual(second.fingerprint);
    const leaf = createHash('sha256')
      .update(Buffer.from([0]))
      .update(lines[0] ?? '')
      .digest('hex');
    expect(first).toMatchObject({
      uid: leaf,
      authority_uid: 'audit.example.com/orders',
      chain_uid: 'audit.example.com/orders/3/all',
    });
  });
});
