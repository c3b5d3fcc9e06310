import { fieldPath, type Step } from '../json/field-path.ts';
import { SealtrailError } from '../log/error.ts';
import { maskValue } from './mask.ts';
import type { PrivacyPolicy } from './policy.ts';
import { HAS_BRACKET, MAY_HOLD_ADDRESS, MAY_HOLD_SECRET, marksOf } from './prefilter.ts';
import { KeyMatcher, type KeyVerdict } from './secret-keys.ts';
import { isCardNumber, REDACTED, redactText, type SecretPattern } from './secret-text.ts';

type JsonObject = Record<string, unknown>;

/** What of an event can hold secrets or name people. */
export interface ScrubbableEvent {
  actor?: { id: string; name?: string | undefined; ip?: string | undefined } | undefined;
  resource?: { id?: string | undefined; name?: string | undefined } | undefined;
  description?: string | undefined;
  details?: unknown;
  changes?: { before?: unknown; after?: unknown } | undefined;
}

/**
 * Takes secrets and personal data out of an event, in place, and returns where it redacted something or found it
 * redacted: sorted paths.
 *
 * - Under secret keys in `details` and `changes`, at any depth, also in arrays: the whole value, unless it is null.
 * - Secrets inside text (and card numbers that are numbers), in `description`, `details` and `changes`, keys included.
 * - E-mail and IP addresses are masked there too, and in `actor.id`, `actor.name`, `actor.ip`, `resource.id` and
 *   `resource.name`, unless the policy includes PII. Masked values are told by their looks, and not listed.
 *
 * What went through once stays as it is. The event must be fresh from a parser: a tree that nobody else holds.
 *
 * Errors: `record_too_large` where the paths alone would fill a record.
 */
export function scrubEvent(event: ScrubbableEvent, policy: PrivacyPolicy): string[] {
  let scrubber = SCRUBBERS.get(policy);
  if (scrubber === undefined) {
    scrubber = new Scrubber(policy);
    SCRUBBERS.set(policy, scrubber);
  }
  return scrubber.event(event);
}

const SCRUBBERS = new WeakMap<PrivacyPolicy, Scrubber>();

/** Paths add up to at most this many characters: a record could not hold more. */
const MAX_PATHS_LENGTH = 65_536;
/** Hostile input brings ever new and ever longer keys: what is remembered of them is bounded. */
const MAX_REMEMBERED = 4096;
const MAX_REMEMBERED_LENGTH = 64;

/** `1.2.3.4` is an IP address, unless its key says that it is none. */
const FOUR_NUMBERS = /^\d+(?:\.\d+){3}$/;
const VERSION_KEY = /version$/i;

/** What is known of a key by its name. */
interface KeyFacts {
  readonly verdict: KeyVerdict;
  /** The key itself, scrubbed: keys are data too, as in `{"alice@example.com": "delivered"}`. */
  readonly name: string;
  readonly isVersion: boolean;
}

/** Scrubs one event after the other by one policy. */
class Scrubber {
  readonly #keys: KeyMatcher;
  readonly #patterns: readonly SecretPattern[];
  readonly #mask: boolean;
  readonly #hasCards: boolean;
  readonly #remembered = new Map<string, KeyFacts>();
  #steps: Step[] = [];
  #paths: string[] = [];
  #pathsLength = 0;

  constructor(policy: PrivacyPolicy) {
    this.#keys = new KeyMatcher(policy.redactKeys);
    this.#patterns = policy.redactPatterns;
    this.#mask = policy.pii === 'mask';
    this.#hasCards = policy.redactPatterns.includes('card_number');
  }

  event(event: ScrubbableEvent): string[] {
    this.#steps = [];
    this.#paths = [];
    this.#pathsLength = 0;
    if (this.#mask) maskParties(event);
    if (event.description !== undefined) event.description = this.#at('description', event.description) as string; // text stays text
    if (event.details !== undefined) event.details = this.#at('details', event.details) as JsonObject; // and objects objects
    const { changes } = event;
    if (changes !== undefined) {
      this.#steps.push('changes');
      if (changes.before !== undefined) changes.before = this.#at('before', changes.before);
      if (changes.after !== undefined) changes.after = this.#at('after', changes.after);
    }
    return this.#paths.sort();
  }

  /** The scrubbed value of what stands at a step from here. */
  #at(step: Step, value: unknown): unknown {
    if (typeof value === 'boolean' || value === null) return value;
    this.#steps.push(step);
    const scrubbed = this.#value(value);
    this.#steps.pop();
    return scrubbed;
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'number') return this.#hasCards && isCardNumber(value) ? this.#redact() : value;
    if (!Array.isArray(value)) return this.#object(value as JsonObject); // JSON has nothing else
    for (let i = 0; i < value.length; i++) value[i] = this.#at(i, value[i]);
    return value;
  }

  #text(text: string): string {
    const marks = marksOf(text);
    const open = (marks & MAY_HOLD_SECRET) === 0 ? text : redactText(text, this.#patterns);
    // Somebody may have redacted it before it came here.
    if (open !== text || ((marks & HAS_BRACKET) !== 0 && text.includes(REDACTED))) this.#note();
    return this.#mask && (marks & MAY_HOLD_ADDRESS) !== 0 ? maskValue(open) : open;
  }

  #object(object: JsonObject): JsonObject {
    // The parser's objects inherit nothing that can be enumerated. `__proto__` is a member like any other, and
    // assigning to an own member never reaches a setter.
    for (const key in object) {
      if (this.#factsOf(key).name !== key) return this.#renamed(object);
    }
    for (const key in object) object[key] = this.#member(this.#factsOf(key), key, object[key]);
    return object;
  }

  /** The same for an object with keys to be scrubbed. Where two become one, the later in order are numbered. */
  #renamed(object: JsonObject): JsonObject {
    const out: JsonObject = {};
    const taken = new Map<string, number>();
    for (const key of Object.keys(object).sort()) {
      const facts = this.#factsOf(key);
      let name = facts.name;
      let n = taken.get(name) ?? 1;
      for (; Object.hasOwn(out, name); n++) name = `${facts.name} (${n + 1})`;
      taken.set(facts.name, n);
      const value = this.#member(facts, name, object[key]);
      // Not an assignment, which would set the prototype for `__proto__`.
      Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true });
    }
    return out;
  }

  #member(facts: KeyFacts, name: string, value: unknown): unknown {
    if (facts.verdict !== 'open' && isSecret(facts.verdict, value)) {
      this.#steps.push(name);
      const redacted = this.#redact();
      this.#steps.pop();
      return redacted;
    }
    if (facts.isVersion && typeof value === 'string' && FOUR_NUMBERS.test(value)) return value;
    return this.#at(name, value);
  }

  #redact(): string {
    this.#note();
    return REDACTED;
  }

  #note(): void {
    const path = fieldPath(this.#steps);
    this.#paths.push(path);
    this.#pathsLength += path.length;
    if (this.#pathsLength > MAX_PATHS_LENGTH) {
      throw new SealtrailError('record_too_large', 'the event has too many secrets to list: leave them out');
    }
  }

  #factsOf(key: string): KeyFacts {
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const name = redactText(key, this.#patterns);
    const facts: KeyFacts = {
      verdict: this.#keys.verdict(key),
      name: this.#mask ? maskValue(name) : name,
      isVersion: VERSION_KEY.test(key),
    };
    if (key.length > MAX_REMEMBERED_LENGTH) return facts;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, facts);
    return facts;
  }
}

function isSecret(verdict: KeyVerdict, value: unknown): boolean {
  return value !== null && (verdict === 'secret' || typeof value === 'string' || Array.isArray(value));
}

function maskParties({ actor, resource }: ScrubbableEvent): void {
  if (actor !== undefined) {
    actor.id = maskValue(actor.id);
    if (actor.name !== undefined) actor.name = maskValue(actor.name);
    if (actor.ip !== undefined) actor.ip = maskValue(actor.ip);
  }
  if (resource?.id !== undefined) resource.id = maskValue(resource.id);
  if (resource?.name !== undefined) resource.name = maskValue(resource.name);
}
