import webhooks from '@octokit/webhooks-examples/api.github.com/index.json' with { type: 'json' };
import { DEFAULT_POLICY, type PrivacyPolicy } from '../../lib/privacy/policy.ts';
import { type ScrubbableEvent, scrubEvent } from '../../lib/privacy/scrub.ts';
import harmless from '../vectors/redaction/harmless.json' with { type: 'json' };
import secrets from '../vectors/redaction/secrets.json' with { type: 'json' };

/**
 * The corpus by which redaction is measured: secrets in made-up form, each in every place where its kind is found, and
 * real payloads that hold none. It is the same in every run.
 */

/** An event and the secrets in it. */
export interface SecretCase {
  readonly kind: string;
  readonly event: ScrubbableEvent;
  readonly secrets: readonly string[];
}

/** A value that is none of the secrets, and what became of it. */
export interface HarmlessLeaf {
  readonly path: string;
  readonly value: unknown;
  readonly after: unknown;
}

/** xorshift32: all that matters is that it is the same each time. */
class Numbers {
  #state = 0x9e3779b9;

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ALPHABETS: Readonly<Record<string, string>> = {
  A: `${LETTERS}0123456789`,
  B: `${LETTERS}0123456789+/`,
  D: '0123456789',
  H: '0123456789abcdef',
  U: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  W: `${LETTERS}0123456789-_`,
};

class Maker {
  readonly #numbers = new Numbers();

  /** `{A36}` and the like replaced by characters, and which they are. */
  fill(template: string): { text: string; secrets: string[] } {
    const made: string[] = [];
    const text = template.replace(/\{(?:([ABDHUW])(\d+)|(P)|(basic))\}/g, (_, alphabet, length, password, basic) => {
      const value = password ? this.#password() : basic ? this.#basic() : this.#random(alphabet, Number(length));
      made.push(value);
      return value;
    });
    return { text, secrets: made };
  }

  #random(alphabet: string, length: number): string {
    const characters = ALPHABETS[alphabet] ?? '';
    return Array.from({ length }, () => characters.charAt(this.#numbers.below(characters.length))).join('');
  }

  #password(): string {
    return `${this.#random('A', 6)}${this.#numbers.below(10)}${'!$*+~'.charAt(this.#numbers.below(5))}${this.#random('A', 3)}`;
  }

  #basic(): string {
    return Buffer.from(`${this.#random('A', 5)}:${this.#random('A', 6)}`).toString('base64');
  }
}

/** A template with its placeholders replaced in every text, keys included. */
function put(template: unknown, places: Readonly<Record<string, string>>): unknown {
  const inText = (text: string): string =>
    Object.entries(places).reduce((filled, [place, value]) => filled.replaceAll(place, value), text);
  if (typeof template === 'string') return inText(template);
  if (Array.isArray(template)) return template.map((item) => put(item, places));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [inText(key), put(value, places)]));
}

/** Every secret of the corpus in each of its places. */
export function secretCases(): SecretCase[] {
  const maker = new Maker();
  const cases: SecretCase[] = [];
  const add = (kind: string, event: unknown, made: readonly string[]) =>
    cases.push({ kind, event: event as ScrubbableEvent, secrets: made }); // templates are events
  for (const [service, templates] of Object.entries(secrets.tokens)) {
    for (const template of templates) {
      for (const place of secrets.tokenPlaces) {
        const { text, secrets: made } = maker.fill(template);
        // Of a token of several parts, the longest is what is secret.
        add(service, put(place, { '{}': text }), [made.reduce((a, b) => (b.length > a.length ? b : a), '')]);
      }
    }
  }
  for (const key of secrets.keys) {
    for (const [i, place] of secrets.keyPlaces.entries()) {
      const { text } = maker.fill(secrets.keyValues[i % secrets.keyValues.length] ?? '');
      add(`key ${key}`, put(place, { '{k}': key, '{v}': text }), [text]);
    }
  }
  for (const [key, value] of Object.entries(secrets.digits)) {
    add(`digits ${key}`, { details: { [key]: value } }, [String(value)]);
  }
  for (const template of secrets.texts) {
    const { text, secrets: made } = maker.fill(template);
    add('text', { description: text, details: { text: [text] } }, made);
  }
  for (const card of secrets.cards) add('card', { details: { note: `paid with ${card}` } }, [card]);
  return cases;
}

/** The secrets of a case that are still in the event when it has been scrubbed. */
export function leaked({ event, secrets: made }: SecretCase, policy: PrivacyPolicy = DEFAULT_POLICY): string[] {
  const copy: ScrubbableEvent = JSON.parse(JSON.stringify(event));
  scrubEvent(copy, policy);
  const text = JSON.stringify(copy);
  return made.filter((secret) => text.includes(secret));
}

/** Every value of the harmless payloads before and after: GitHub's webhooks, and those of `harmless.json`. */
export function harmlessLeaves(): HarmlessLeaf[] {
  const policy: PrivacyPolicy = { ...DEFAULT_POLICY, pii: 'include' };
  const payloads: unknown[] = [...webhooks.flatMap(({ examples }) => examples as unknown[]), ...harmless.events];
  return payloads.flatMap((payload) => {
    const event = { details: JSON.parse(JSON.stringify(payload)) };
    scrubEvent(event, policy);
    const after = new Map(leaves(event.details, 'details'));
    return leaves(payload, 'details').map(([path, value]) => ({ path, value, after: after.get(path) }));
  });
}

function leaves(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, member]) => leaves(member, `${path}/${key}`));
}

/** What redaction finds of the corpus. */
export interface Measure {
  readonly secrets: number;
  readonly found: number;
  readonly harmless: number;
  readonly wrong: number;
  /** Of the secrets, how many were found. */
  readonly recall: number;
  /** Of what was redacted, how much was secret. */
  readonly precision: number;
}

/** Harmless payloads that hold a credential after all: a signed URL of S3, whose signature is made up by GitHub. */
const IS_SECRET = /X-Amz-Signature=/;

export function measure(): Measure {
  const cases = secretCases();
  const found = cases.filter((each) => leaked(each).length === 0).length;
  const plain = harmlessLeaves().filter(({ value }) => typeof value !== 'string' || !IS_SECRET.test(value));
  const wrong = plain.filter(({ value, after }) => value !== after).length;
  return {
    ...{ secrets: cases.length, found, harmless: plain.length, wrong },
    recall: found / cases.length,
    precision: found / (found + wrong),
  };
}
