import {
  ABOUT,
  HARMLESS_ENDINGS,
  type Holds,
  NOUNS,
  PHRASES,
  QUESTIONS,
  RUN_ON_ENDS,
  RUN_ON_STARTS,
} from './key-rules.ts';
import { wordsOf } from './key-words.ts';
import { type Role, roleOf } from './pairs.ts';

/** Which keys hold secrets. */
export interface KeyRules {
  /** True if the rules that come with Sealtrail apply (`key-rules.ts`). */
  readonly standard: boolean;
  /** Words that make a key secret besides, whatever it holds, such as `employee_number`. */
  readonly redact: readonly string[];
  /** Words that are harmless although a secret word is among them, such as `token_audience`. */
  readonly keep: readonly string[];
}

/** The meaning of a key's name for the values under it. */
export interface KeyVerdict {
  /** The secret part; undefined if there is none. */
  readonly holds: Holds | undefined;
  /** True if the key tells about something rather than being it: such members of a secret object stay. */
  readonly isAbout: boolean;
  /** The key's part in a pair of name and value. */
  readonly role: Role | undefined;
  /** True if it is just `token`, which language models have a meaning of their own for. */
  readonly isToken: boolean;
}

/** A word of the operator's of this many letters or more is found anywhere in a key; shorter ones must be a word. */
const LONG = 6;
/** A single word of this many letters or more also counts at the end of a word. */
const SUFFIX = 4;
interface OwnPattern {
  readonly words: readonly string[];
  readonly squashed: string;
}
/** Hostile input brings ever new and ever longer keys: the state of them is bounded. */
const MAX_KNOWN = 4096;
const MAX_KNOWN_LENGTH = 64;
/** Words of a key that are looked at: longer ones are no names. */
const MAX_WORDS = 64;

/** A noun as a list of words, by its first word; those that are written together are one word. */
const NOUNS_BY_FIRST: ReadonlyMap<string, readonly { words: readonly string[]; holds: Holds }[]> = nounsByFirst();

function nounsByFirst() {
  const byFirst = new Map<string, { words: readonly string[]; holds: Holds }[]>();
  for (const holds of ['digits', 'text', 'credential'] as const) {
    for (const noun of NOUNS[holds]) {
      const words = noun.split(' ');
      for (const form of words.length === 1 ? [words] : [words, [words.join('')]]) {
        const first = form[0] ?? '';
        byFirst.set(first, [...(byFirst.get(first) ?? []), { words: form, holds }]);
      }
    }
  }
  // The longest first: `ssn last` before `ssn`.
  for (const nouns of byFirst.values()) nouns.sort((a, b) => b.words.length - a.words.length);
  return byFirst;
}

/** Decides by its name what a key holds, by the rules of `key-rules.ts` and those of the operator. */
export class KeyMatcher {
  readonly #standard: boolean;
  readonly #own: readonly OwnPattern[];
  readonly #keep: readonly string[];
  readonly #known = new Map<string, KeyVerdict>();

  constructor(rules: KeyRules) {
    this.#standard = rules.standard;
    this.#own = rules.redact
      .map(wordsOf)
      .filter((words) => words.length > 0)
      .map((words) => ({ words, squashed: words.join('') }));
    this.#keep = rules.keep.map((pattern) => wordsOf(pattern).join(' ')).filter((pattern) => pattern !== '');
  }

  verdict(key: string): KeyVerdict {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const verdict = this.#judge(key);
    if (key.length > MAX_KNOWN_LENGTH) return verdict;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, verdict);
    return verdict;
  }

  #judge(key: string): KeyVerdict {
    const words = struckOut(wordsOf(key).slice(-MAX_WORDS), this.#keep);
    while (words.length > 1 && /^\p{N}+$/u.test(words.at(-1) ?? '')) words.pop(); // `password2`, `last4`
    for (const pattern of this.#own) {
      const holds = ownVerdict(words, pattern);
      if (holds !== undefined) return { holds, isAbout: false, role: undefined, isToken: false };
    }
    const last = words.at(-1) ?? '';
    const isToken = words.length === 1 && singular(last) === 'token';
    return {
      holds: this.#standard ? standardVerdict(words) : undefined,
      isAbout: ABOUT.has(last),
      role: roleOf(words),
      isToken,
    };
  }
}

/** Phrases leave a gap, lest the words around them run together. */
function struckOut(words: readonly string[], phrases: readonly string[]): string[] {
  let spaced = ` ${words.join(' ')} `;
  for (const phrase of phrases) {
    if (spaced.includes(` ${phrase} `)) spaced = spaced.replaceAll(` ${phrase} `, ' | ');
  }
  return spaced.trim().split(' ');
}

/** In any number: `next token` and `next tokens`. */
const STANDARD_PHRASES = PHRASES.flatMap((phrase) => [phrase, `${phrase}s`]);

function standardVerdict(all: readonly string[]): Holds | undefined {
  const words = all.length > 1 ? struckOut(all, STANDARD_PHRASES) : all;
  for (let at = words.length - 1; at >= 0; at--) {
    const found = nounAt(words, at) ?? runOnAt(words, at);
    if (found === undefined) continue;
    if (found.end < words.length && ABOUT.has(words.at(-1) ?? '')) return undefined;
    return QUESTIONS.has(words[0] ?? '') ? 'credential' : found.holds;
  }
  return undefined;
}

interface Found {
  readonly holds: Holds;
  /** The index of the word after it. */
  readonly end: number;
}

/** The longest noun that ends at a word. */
function nounAt(words: readonly string[], last: number): Found | undefined {
  for (let first = Math.max(0, last - 3); first <= last; first++) {
    for (const { words: noun, holds } of NOUNS_BY_FIRST.get(
      first === last ? singular(words[first]) : (words[first] ?? ''),
    ) ?? []) {
      if (noun.length !== last - first + 1) continue;
      const fits = noun.every(
        (word, i) => word === (i === noun.length - 1 ? singular(words[first + i]) : words[first + i]),
      );
      if (fits) return { holds, end: last + 1 };
    }
  }
  return undefined;
}

/** `pass` and `address` have no plural to be undone; a plural is recognised by its stem. */
function singular(word = ''): string {
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

/** A noun within a word: `clientsecret`, `passwordhash`. */
function runOnAt(words: readonly string[], at: number): Found | undefined {
  const word = words[at] ?? '';
  const run = `${words[at - 1] ?? ''}${word}`; // `XAPIKey` is split into XAPI and Key
  const ending = RUN_ON_ENDS.find((noun) => run.length > noun.length && run.endsWith(noun));
  if (ending !== undefined) return { holds: holdsOf(ending), end: at + 1 };
  const start = RUN_ON_STARTS.find((noun) => word.length > noun.length && word.startsWith(noun));
  if (start === undefined) return undefined;
  const rest = word.slice(start.length);
  if (HARMLESS_ENDINGS.has(rest) || ABOUT.has(rest)) return undefined;
  return { holds: holdsOf(start), end: at + 1 };
}

function holdsOf(noun: string): Holds {
  return NOUNS_BY_FIRST.get(singular(noun))?.find(({ words }) => words.length === 1)?.holds ?? 'text';
}

/** Of a word of the operator's, everything is secret; of its plural, text: `pins: 3` is a count. */
function ownVerdict(words: readonly string[], { words: own, squashed }: OwnPattern): Holds | undefined {
  if (squashed.length >= LONG) return words.join('').includes(squashed) ? 'anything' : undefined;
  const isSuffix = own.length === 1 && squashed.length >= SUFFIX;
  let holds: Holds | undefined;
  for (let first = 0; first < words.length; first++) {
    if (isSuffix && words[first]?.endsWith(squashed)) return 'anything';
    let run = '';
    for (let next = first; next < words.length && run.length < squashed.length; next++) {
      run += words[next];
      if (run === squashed) return 'anything';
      if (run === `${squashed}s`) holds = 'text';
    }
  }
  return holds;
}
