import webhooks from '@octokit/webhooks-examples/api.github.com/index.json' with { type: 'json' };
import { prepareBatch } from '../lib/event/intake.ts';
import { maskTags } from '../lib/privacy/mask-tag.ts';
import { DEFAULT_POLICY, type PrivacyPolicy } from '../lib/privacy/policy.ts';
import { type ScrubbableEvent, scrubEvent } from '../lib/privacy/scrub.ts';
import { secretCases } from '../test/privacy/corpus.ts';
import type { Figure } from './report.ts';

/**
 * How fast events are redacted and masked, on one core: everyday events, GitHub's webhook payloads, and the corpus of secrets. What
 * of an append's preparation that is, is beside it: the rest is parsing, checking and writing canonical JSON.
 */

const POLICY: PrivacyPolicy = { ...DEFAULT_POLICY, maskTag: maskTags(new Uint8Array(32).fill(1)) };
/** The length of a round; the median of the rounds is reported. */
const ROUND_MS = 400;
const ROUNDS = 7;

const everyday = Array.from({ length: 500 }, (_, n) => ({
  type: n % 3 === 0 ? 'auth.login' : 'data.update',
  actor: {
    id: `user-${n}@example.com`,
    ip: `203.0.113.${n % 256}`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0',
  },
  resource: { type: 'invoice', id: `inv-${n}` },
  context: { tenant: `t-${n % 20}`, request: `0192c3e0-7b3a-7c3a-9b3a-${String(n).padStart(12, '0')}` },
  details: {
    path: `/v1/invoices/${n}`,
    method: 'PATCH',
    status: 200,
    tokens: { prompt_tokens: n, max_tokens: 4096 },
    note: 'amount changed after a call with the customer',
  },
}));

export async function benchRedaction(): Promise<Figure[]> {
  const payloads = webhooks
    .flatMap(({ examples }) => examples as unknown[])
    .map((details) => ({ type: 'webhook.received', details }))
    .filter((event) => JSON.stringify(event).length < 32_000);
  const kinds = [
    ['everyday events', everyday],
    ['webhook payloads of GitHub', payloads],
    ['the corpus of secrets', secretCases().map(({ event }) => ({ type: 'a.b', ...event }))],
  ] as const;
  return kinds.map(([name, events]) => figureOf(name, events));
}

function figureOf(name: string, events: readonly object[]): Figure {
  const texts = events.map((event) => JSON.stringify(event));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const scrubbed = perSecond(texts, (text) => scrubEvent(JSON.parse(text) as ScrubbableEvent, POLICY));
  const parsed = perSecond(texts, (text) => JSON.parse(text));
  const prepared = perSecond(texts, (text) => prepareBatch(Buffer.from(text), 'application/json', POLICY, 'lenient'));
  // What JSON.parse takes is not redaction's: only events that were parsed can be changed in place.
  const redaction = 1 / (1 / scrubbed - 1 / parsed);
  const mean = bytes / texts.length;
  return {
    what: `redaction and masking of ${name}: ${texts.length} of ${Math.round(mean)} bytes on average`,
    goal: 'none; it is a part of what it takes to prepare an append',
    measured: {
      'events/s': Math.round(redaction),
      'MB/s': Math.round((redaction * mean) / 100_000) / 10,
      'us/event': Math.round(1e7 / redaction) / 10,
      'prepared in all, events/s': Math.round(prepared),
    },
  };
}

/** The median of several rounds, after one to warm up. */
function perSecond(texts: readonly string[], work: (text: string) => unknown): number {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const until = performance.now() + ROUND_MS;
    const started = performance.now();
    let done = 0;
    while (performance.now() < until) {
      for (const text of texts) work(text);
      done += texts.length;
    }
    if (round > 0) rates.push((done / (performance.now() - started)) * 1000);
  }
  return rates.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
}
