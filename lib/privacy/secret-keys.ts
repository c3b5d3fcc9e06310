/** Which keys hold secrets. */
export interface KeyRules {
  /** Words that make a key secret, such as `token` or `api_key`. */
  readonly redact: readonly string[];
  /** Words that are harmless although a word of `redact` is among them, such as `token_count`. */
  readonly keep: readonly string[];
}

/** What is redacted unless a deployment says otherwise. */
export const DEFAULT_REDACT_KEYS: readonly string[] = [
  'password',
  'secret',
  'token',
  'api_key',
  'apikey',
  'auth',
  'credential',
  'credit_card',
  'ssn',
  'tax_id',
  'bank_account',
  'routing_number',
  // Other common names of the same things.
  'passwd',
  'pwd',
  'passphrase',
  'authorization',
  'cookie',
  'access_key',
  'private_key',
  'card_number',
  'cvv',
  'cvc',
];

/** What looks secret by a word in it, and is not. */
export const DEFAULT_KEEP_KEYS: readonly string[] = [
  'token_count',
  'token_limit',
  'token_budget',
  'token_usage',
  'token_type',
  'max_token',
  'auth_method',
  'auth_type',
  'auth_provider',
  'secretary',
  'secretariat',
  'passwordless',
];

/** What a key says about its value: under a `plural`, text and lists are secret, counts are not. */
export type KeyVerdict = 'secret' | 'plural' | 'open';

/** A pattern of this many letters or more is found anywhere in a key; shorter ones must be a word, or end one. */
const LONG = 6;
/** A pattern of fewer letters than this must be a word. */
const SUFFIX = 4;
interface ShortPattern {
  readonly squashed: string;
  /** Whether a word that ends with it matches too. */
  readonly isSuffix: boolean;
}

/**
 * Decides by its name whether a key holds a secret. A key is split into words at `-`, `_` and other punctuation, at
 * camelCase humps and before digits, and lower-cased, so that `apiKey`, `API-KEY` and `api_key` are the same. Then
 *
 * - the words of a `keep` pattern are taken out: `token_count` is open, `secret_token_count` is not;
 * - a long pattern (6 letters or more) matches anywhere in what is left: `userPasswordHash`, `clientsecret`;
 * - a short one matches a word, several words run together, or, if it is a single word of 4 letters or more, the end of
 *   a word: `auth`, `authToken`, `access_token`, `accesstoken`, `taxId`; but not `author`, `tokens_used`, `syntaxid`;
 * - the plural of a short pattern, at the end of a key, is secret where the value is text or a list:
 *   `refresh_tokens: ["…"]` goes, `total_tokens: 1534` stays.
 */
export class KeyMatcher {
  readonly #long: readonly string[];
  readonly #short: readonly ShortPattern[];
  readonly #keep: readonly string[];

  constructor(rules: KeyRules) {
    const patterns = rules.redact.map(wordsOf).filter((words) => words.length > 0);
    this.#long = patterns.map((words) => words.join('')).filter((squashed) => squashed.length >= LONG);
    this.#short = patterns
      .map((words) => {
        const squashed = words.join('');
        return { squashed, isSuffix: words.length === 1 && squashed.length >= SUFFIX };
      })
      .filter(({ squashed }) => squashed.length < LONG);
    this.#keep = rules.keep.map((pattern) => wordsOf(pattern).join(' ')).filter((pattern) => pattern !== '');
  }

  verdict(key: string): KeyVerdict {
    const words = this.#withoutKept(wordsOf(key));
    const squashed = words.join('');
    if (this.#long.some((pattern) => squashed.includes(pattern))) return 'secret';
    if (this.#short.some((pattern) => hasShort(words, pattern))) return 'secret';
    const last = words.pop() ?? '';
    if (!last.endsWith('s')) return 'open';
    words.push(last.slice(0, -1));
    return this.#short.some((pattern) => hasShort(words, pattern)) ? 'plural' : 'open';
  }

  /** What is kept leaves a gap, lest the words around it run together. */
  #withoutKept(words: string[]): string[] {
    let spaced = ` ${words.join(' ')} `;
    for (const keep of this.#keep) {
      if (spaced.includes(` ${keep} `)) spaced = spaced.replaceAll(` ${keep} `, ' | ');
    }
    return spaced.trim().split(' ');
  }
}

function hasShort(words: readonly string[], { squashed, isSuffix }: ShortPattern): boolean {
  for (let first = 0; first < words.length; first++) {
    if (isSuffix && words[first]?.endsWith(squashed)) return true;
    let joined = '';
    for (let next = first; next < words.length && joined.length < squashed.length; next++) {
      joined += words[next];
      if (joined === squashed) return true;
    }
  }
  return false;
}

/** The words of `XApiKey`, `x-api-key` and `X_API_KEY` are all x, api and key. */
function wordsOf(key: string): string[] {
  return key
    .replace(/(\p{Ll}|\p{N})(?=\p{Lu})|(\p{Lu})(?=\p{Lu}\p{Ll})|(\p{L})(?=\p{N})/gu, '$& ')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}
