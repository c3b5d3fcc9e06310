import type { Step } from '../json/field-path.ts';
import type { Holds } from './key-rules.ts';
import { type MaskTag, maskValue } from './mask.ts';
import { parseNested } from './nested-json.ts';
import { isEntries, isOptionName, isTexts } from './pairs.ts';
import type { PrivacyPolicy } from './policy.ts';
import { HAS_BRACKET, MAY_BE_JSON, MAY_HOLD_ADDRESS, MAY_HOLD_SECRET, marksOf } from './prefilter.ts';
import { RedactionList } from './redaction-list.ts';
import { KeyMatcher, type KeyVerdict } from './secret-keys.ts';
import { isCardNumber, redactText, type SecretPattern } from './secret-text.ts';
import { canBeCredential, isSecretValue, REDACTED } from './secret-value.ts';

type JsonObject = Record<string, unknown>;

/** The fields of an event that can hold secrets or name people. */
export interface ScrubbableEvent {
  action?: string | undefined;
  actor?:
    | { id: string; name?: string | undefined; ip?: string | undefined; userAgent?: string | undefined }
    | undefined;
  resource?: { id?: string | undefined; name?: string | undefined; type?: string | undefined } | undefined;
  context?: object | undefined;
  description?: string | undefined;
  details?: unknown;
  changes?: { before?: unknown; after?: unknown } | undefined;
}

/**
 * Takes secrets and personal data out of an event, in place, and returns where it redacted something or found it
 * redacted: sorted paths, of what holds the places where they would be too many.
 *
 * - Under keys of secrets in `details` and `changes`, at any depth, also in arrays, beside names (`{name, value}`) and in
 *   JSON within text: what can be the secret. Booleans, counts and what tells about a secret stay.
 * - Secrets inside text (and card numbers that are numbers), in every text of the event, keys included. An id that is a
 *   URL with a password loses the password only.
 * - E-mail and IP addresses are masked there too, and in `actor.id`, `actor.name`, `actor.ip`, `resource.id` and
 *   `resource.name`, unless the policy includes PII. Masked values are recognised by their form, and not listed.
 *
 * A second pass changes nothing. The event must be fresh from a parser: a tree that nothing else holds.
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

/** Hostile input brings ever new and ever longer keys: the state of them is bounded. */
const MAX_REMEMBERED = 4096;
const MAX_REMEMBERED_LENGTH = 64;
/** JSON in JSON in JSON: each level doubles the escapes, so real data has few. */
const MAX_NESTING = 4;

/** `1.2.3.4` is an IP address, unless its key says that it is none. */
const FOUR_NUMBERS = /^\d+(?:\.\d+){3}$/;
const VERSION_KEY = /version$/i;
/** Under it a token is a piece of text, as language models have it. */
const LOGPROBS = /log_?probs?$/i;

/** The known state of a key by its name. */
interface KeyFacts extends KeyVerdict {
  /** The key itself, scrubbed: keys are data too, as in `{"alice@example.com": "delivered"}`. */
  readonly name: string;
  readonly isVersion: boolean;
  readonly isLogprobs: boolean;
}

/** The known state of a value from what it stands in. */
interface Surroundings {
  /** Redacts the secret members of an object under a secret key, or beside the name of one. */
  readonly holds: Holds | undefined;
  readonly pair: Holds | undefined;
  /** True if `token` is a piece of text here. */
  readonly isModelText: boolean;
}

/** Scrubs one event after the other by one policy. */
class Scrubber {
  readonly #keys: KeyMatcher;
  readonly #patterns: readonly SecretPattern[];
  readonly #mask: boolean;
  readonly #tag: MaskTag | undefined;
  readonly #hasCards: boolean;
  readonly #remembered = new Map<string, KeyFacts>();
  #steps: Step[] = [];
  #list = new RedactionList();
  #nesting = 0;
  #modelText = 0;

  constructor(policy: PrivacyPolicy) {
    this.#keys = new KeyMatcher(policy.redactKeys);
    this.#patterns = policy.redactPatterns;
    this.#mask = policy.pii === 'mask';
    this.#tag = policy.maskTag;
    this.#hasCards = policy.redactPatterns.includes('card_number');
  }

  event(event: ScrubbableEvent): string[] {
    this.#steps = [];
    this.#list = new RedactionList();
    this.#nesting = 0;
    this.#modelText = 0;
    this.#words(event);
    if (event.description !== undefined) event.description = this.#at('description', event.description) as string; // text stays text
    if (event.details !== undefined) event.details = this.#at('details', event.details) as JsonObject; // and objects objects
    const { changes } = event;
    if (changes !== undefined) {
      this.#steps.push('changes');
      if (changes.before !== undefined) changes.before = this.#at('before', changes.before);
      if (changes.after !== undefined) changes.after = this.#at('after', changes.after);
      this.#steps.pop();
    }
    return this.#list.paths();
  }

  /** The event's own fields: their names are ours, so only what stands in their text counts. */
  #words(event: ScrubbableEvent): void {
    const { actor, resource, context } = event;
    if (event.action !== undefined) event.action = this.#word(['action'], event.action, false);
    if (actor !== undefined) {
      actor.id = this.#word(['actor', 'id'], actor.id, this.#mask);
      if (actor.name !== undefined) actor.name = this.#word(['actor', 'name'], actor.name, this.#mask);
      if (actor.ip !== undefined && this.#mask) actor.ip = maskValue(actor.ip, this.#tag);
      if (actor.userAgent !== undefined) actor.userAgent = this.#word(['actor', 'userAgent'], actor.userAgent, false);
    }
    if (resource?.id !== undefined) resource.id = this.#word(['resource', 'id'], resource.id, this.#mask);
    if (resource?.name !== undefined) resource.name = this.#word(['resource', 'name'], resource.name, this.#mask);
    if (resource?.type !== undefined) resource.type = this.#word(['resource', 'type'], resource.type, false);
    for (const [name, value] of Object.entries(context ?? {})) {
      if (typeof value === 'string') Reflect.set(context ?? {}, name, this.#word(['context', name], value, false));
    }
  }

  #word(steps: readonly Step[], text: string, masks: boolean): string {
    const marks = marksOf(text);
    const open = (marks & MAY_HOLD_SECRET) === 0 ? text : redactText(text, this.#patterns, this.#keys, marks);
    if (open !== text || ((marks & HAS_BRACKET) !== 0 && text.includes(REDACTED))) this.#list.add(steps);
    return masks && (marks & MAY_HOLD_ADDRESS) !== 0 ? maskValue(open, this.#tag) : open;
  }

  /** The scrubbed value of what stands at a step from here. */
  #at(step: Step, value: unknown, holds?: Holds): unknown {
    if (typeof value === 'boolean' || value === null) return value;
    this.#steps.push(step);
    const scrubbed = this.#value(value, holds);
    this.#steps.pop();
    return scrubbed;
  }

  /** @param holds what is secret there, by the names around it */
  #value(value: unknown, holds: Holds | undefined): unknown {
    if (typeof value !== 'object' || value === null) {
      if (holds !== undefined && isSecretValue(holds, value)) return this.#redact();
      if (typeof value === 'string') return this.#text(value);
      return typeof value === 'number' && this.#hasCards && isCardNumber(value) ? this.#redact() : value;
    }
    if (holds === 'anything') return this.#redact();
    const before = this.#list.count;
    // JSON has nothing else. Under a name that says little, an object's own names decide.
    const scrubbed = Array.isArray(value)
      ? this.#array(value, holds)
      : holds === 'credential'
        ? this.#object(value as JsonObject, undefined, holds)
        : this.#object(value as JsonObject, holds);
    if (holds === undefined || !isAllRedacted(scrubbed)) return scrubbed;
    this.#list.replaceSince(before, this.#steps);
    return REDACTED;
  }

  #text(text: string): string {
    const marks = marksOf(text);
    if ((marks & MAY_BE_JSON) !== 0 && this.#nesting < MAX_NESTING) {
      const written = this.#nested(text);
      if (written !== undefined) return written;
    }
    const open = (marks & MAY_HOLD_SECRET) === 0 ? text : redactText(text, this.#patterns, this.#keys, marks);
    // It may have been redacted before it came here.
    if (open !== text || ((marks & HAS_BRACKET) !== 0 && text.includes(REDACTED))) this.#list.add(this.#steps);
    return this.#mask && (marks & MAY_HOLD_ADDRESS) !== 0 ? maskValue(open, this.#tag) : open;
  }

  /** JSON in a text, written anew where something in it is secret. */
  #nested(text: string): string | undefined {
    const nested = parseNested(text);
    if (nested === undefined) return undefined;
    const before = this.#list.count;
    this.#nesting++;
    const scrubbed = this.#value(nested.value, undefined);
    this.#nesting--;
    if (this.#list.count === before) return undefined;
    this.#list.replaceSince(before, this.#steps);
    return nested.write(scrubbed);
  }

  #array(list: unknown[], holds: Holds | undefined): unknown[] {
    if (isEntries(list)) {
      for (const [i, pair] of list.entries()) {
        this.#steps.push(i);
        pair[1] = this.#at(1, pair[1], this.#keys.verdict(pair[0]).holds ?? holds);
        pair[0] = this.#at(0, pair[0]) as string; // text stays text
        this.#steps.pop();
      }
      return list;
    }
    const texts = holds === undefined && isTexts(list) ? this.#namesInTurn(list) : undefined;
    for (let i = 0; i < list.length; i++) list[i] = this.#at(i, list[i], texts?.[i] ?? holds);
    return list;
  }

  /** The meaning of a text in a list by the ones before it: raw headers, a command line's options. */
  #namesInTurn(list: readonly string[]): (Holds | undefined)[] {
    const isEven = list.length % 2 === 0;
    return list.map((item, i) => {
      const name = list[i - 1];
      if (name === undefined || name.length > MAX_REMEMBERED_LENGTH) return undefined;
      const isOption = isOptionName(name) && !item.startsWith('-');
      if (!isOption && !(isEven && i % 2 === 1 && canBeCredential(item))) return undefined;
      return this.#keys.verdict(name).holds;
    });
  }

  /** @param beside what its members `value` hold by a name outside of it: `{key: …, value: {stringValue: …}}` */
  #object(object: JsonObject, holds: Holds | undefined, beside?: Holds): JsonObject {
    let isRenamed = false;
    let named: string | undefined;
    let hasValue = false;
    let isModelText = this.#modelText > 0;
    // The parser's objects inherit nothing that can be enumerated. `__proto__` is a member like any other, and
    // assigning to an own member never reaches a setter.
    for (const key in object) {
      const facts = this.#factsOf(key);
      isRenamed ||= facts.name !== key;
      isModelText ||= facts.isLogprobs;
      if (facts.role === 'value') hasValue = true;
      else if (facts.role === 'name' && facts.holds === undefined) named ??= nameIn(object[key]);
    }
    const pair = named !== undefined && hasValue ? this.#keys.verdict(named).holds : beside;
    const around: Surroundings = { holds, pair, isModelText };
    if (isRenamed) return this.#renamed(object, around);
    for (const key in object) object[key] = this.#member(this.#factsOf(key), key, object[key], around);
    return object;
  }

  /** The same for an object with keys to be scrubbed. Where two become one, the later in order are numbered. */
  #renamed(object: JsonObject, around: Surroundings): JsonObject {
    const out: JsonObject = {};
    const taken = new Map<string, number>();
    for (const key of Object.keys(object).sort()) {
      const facts = this.#factsOf(key);
      let name = facts.name;
      let n = taken.get(name) ?? 1;
      for (; Object.hasOwn(out, name); n++) name = `${facts.name} (${n + 1})`;
      taken.set(facts.name, n);
      const value = this.#member(facts, name, object[key], around);
      // Not an assignment, which would set the prototype for `__proto__`.
      Object.defineProperty(out, name, { value, enumerable: true, writable: true, configurable: true });
    }
    return out;
  }

  #member(facts: KeyFacts, name: string, value: unknown, around: Surroundings): unknown {
    const isPiece = facts.isToken && around.isModelText;
    const own = isPiece ? undefined : (facts.holds ?? (facts.role === 'value' ? around.pair : undefined));
    const holds = stronger(own, facts.isAbout || isPiece ? undefined : around.holds);
    if (holds === 'anything' && value !== null) return this.#redactAt(name);
    if (facts.isVersion && typeof value === 'string' && FOUR_NUMBERS.test(value)) return value;
    if (!facts.isLogprobs) return this.#at(name, value, holds);
    this.#modelText++;
    const scrubbed = this.#at(name, value, holds);
    this.#modelText--;
    return scrubbed;
  }

  #redactAt(step: Step): string {
    this.#steps.push(step);
    const redacted = this.#redact();
    this.#steps.pop();
    return redacted;
  }

  #redact(): string {
    this.#list.add(this.#steps);
    return REDACTED;
  }

  #factsOf(key: string): KeyFacts {
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const marks = marksOf(key);
    const name = (marks & MAY_HOLD_SECRET) === 0 ? key : redactText(key, this.#patterns, this.#keys, marks);
    const facts: KeyFacts = {
      ...this.#keys.verdict(key),
      name: this.#mask ? maskValue(name, this.#tag) : name,
      isVersion: VERSION_KEY.test(key),
      isLogprobs: LOGPROBS.test(key),
    };
    if (key.length > MAX_REMEMBERED_LENGTH) return facts;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, facts);
    return facts;
  }
}

/** A text that can be the name of something: one word. */
function nameIn(value: unknown): string | undefined {
  const isName = typeof value === 'string' && value.length <= MAX_REMEMBERED_LENGTH && !/[\s=:]/.test(value);
  return isName ? value : undefined;
}

const BY_STRENGTH: readonly (Holds | undefined)[] = [undefined, 'credential', 'text', 'digits', 'anything'];

function stronger(one: Holds | undefined, other: Holds | undefined): Holds | undefined {
  return BY_STRENGTH.indexOf(one) > BY_STRENGTH.indexOf(other) ? one : other;
}

function isAllRedacted(value: unknown): boolean {
  const members = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return members.length > 0 && members.every((member) => member === REDACTED);
}
