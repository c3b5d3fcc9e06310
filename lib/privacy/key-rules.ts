/**
 * The rules on the names of keys, as data. A key is split into words (see `wordsOf`); then three questions, in this order:
 *
 * 1. Is the secret word part of a phrase that means something else? `next_token` is a place in a list ({@link PHRASES}).
 * 2. Which noun is it about? `db_password` is about a password ({@link NOUNS}).
 * 3. Does it end in a word that tells *about* the noun? `password_changed_at` is a time ({@link ABOUT}).
 */

/**
 * The values under a noun that can be the secret itself. Booleans and null never are.
 *
 * - `text`: any text but words such as `true` or `read`, durations, dates and numbers sent as text. Numbers are counts.
 * - `digits`: numbers too, of three digits or more: some of these secrets are made of digits.
 * - `credential`: only text that can be a credential: the name alone says little. `authorization` may hold a decision.
 * - `anything`: whatever is there, since the operator named the key.
 */
export type Holds = 'text' | 'digits' | 'credential' | 'anything';

/** Nouns by what they hold; with their plurals, written together or apart. */
export const NOUNS: Readonly<Record<Exclude<Holds, 'anything'>, readonly string[]>> = {
  digits: [
    ...['password', 'passwd', 'pwd', 'passphrase', 'passcode', 'pin', 'pin code'],
    ...['passwort', 'kennwort', 'contraseña', 'contrasena', 'senha', 'mot de passe', '密码', 'パスワード'],
    ...['otp', 'totp', 'hotp', 'mfa code', 'sms code', 'verification code', 'security code', 'one time code'],
    ...['recovery code', 'backup code', 'auth code', 'login code', 'confirmation code', 'two factor code'],
    ...['ssn', 'ssn last', 'social security number', 'tax id', 'cvv', 'cvc', 'card security code'],
    ...['credit card', 'credit card number', 'card number', 'bank account', 'bank account number', 'iban'],
    ...['routing number'],
  ],
  text: [
    ...['secret', 'token', 'auth', 'oauth', 'credential', 'cred', 'cookie', 'jwt', 'bearer', 'pass'],
    ...['api key', 'app key', 'access key', 'private key', 'secret key', 'signing key', 'encryption key', 'shared key'],
    ...['master key', 'account key', 'storage key', 'session key', 'hmac key', 'decryption key', 'subscription key'],
    ...['service account key', 'function key', 'ssh key', 'webhook key', 'admin key', 'primary access key'],
    ...['totp seed', 'otp seed', 'mfa seed', 'seed phrase', 'mnemonic', 'recovery phrase', 'connection string'],
    ...['conn str', 'authorization code', 'code verifier', 'device code', 'client assertion', 'saml response'],
    ...['set cookie', 'security token', 'otpauth url', 'otpauth uri', 'sas url', 'sas uri', 'webhook secret'],
  ],
  credential: ['authorization', 'session id', 'sessid', 'sid', 'csrf', 'xsrf', 'connect sid', 'session cookie'],
};

/** The words before or after `token` if it is no credential: places in lists, and words of language models. */
const HARMLESS_TOKENS = [
  ...['next', 'page', 'next page', 'previous', 'prev', 'continuation', 'pagination', 'per', 'stop', 'start', 'eos'],
  ...['bos', 'pad', 'unk', 'mask', 'sep', 'cls', 'special', 'first', 'last', 'max', 'min', 'prompt', 'completion'],
  ...['input', 'output', 'total', 'cached', 'reasoning', 'sync', 'resume', 'cancellation', 'inter'],
];
/** Phrases that are struck out of a key before nouns are looked for. */
export const PHRASES: readonly string[] = [
  ...HARMLESS_TOKENS.map((word) => `${word} token`),
  ...[
    'token logprobs',
    'auth provider',
    'credential provider',
    'token provider',
    'allow credential',
    'authorization info',
    'authorization rule',
    'pass through',
    'pass rate',
  ],
  ...['secret scanning', 'cookie banner', 'public api key', 'publishable key'],
];

/** Last words that make a key one about the secret: what kind, which one, when, how many, whether. */
export const ABOUT: ReadonlySet<string> = new Set([
  // which one, and where it is kept
  ...['id', 'ids', 'uuid', 'arn', 'name', 'names', 'url', 'uri', 'urls', 'path', 'file', 'endpoint', 'host', 'region'],
  ...['server', 'service', 'store', 'vault', 'source', 'issuer', 'audience', 'ref', 'location', 'index', 'position'],
  // what kind
  ...['type', 'types', 'kind', 'class', 'method', 'methods', 'mode', 'provider', 'scheme', 'flow', 'format', 'alg'],
  ...['algorithm', 'level', 'scope', 'scopes', 'policy', 'policies', 'version', 'versions', 'stage', 'category'],
  ...['strength', 'score', 'label', 'description', 'desc', 'title', 'text', 'hint', 'info', 'details', 'metadata'],
  // when, and how long
  ...['at', 'on', 'date', 'time', 'timestamp', 'ms', 'sec', 'secs', 'seconds', 'minutes', 'hours', 'days', 'ttl'],
  ...['age', 'expiry', 'expires', 'expiration', 'expired', 'in', 'lifetime', 'latency', 'duration', 'timeout'],
  // how many
  ...['count', 'counts', 'counter', 'limit', 'limits', 'budget', 'usage', 'used', 'remaining', 'total', 'rate', 'cost'],
  ...['price', 'length', 'len', 'size', 'quota', 'max', 'min', 'per', 'attempts', 'retries', 'left', 'threshold'],
  ...['number of', 'offset', 'logprobs', 'logprob', 'percent', 'ratio', 'last'],
  // whether, and what became of it
  ...['enabled', 'disabled', 'required', 'verified', 'valid', 'invalid', 'validated', 'changed', 'change', 'created'],
  ...['updated', 'rotated', 'rotation', 'reset', 'set', 'status', 'state', 'consent', 'decision', 'reason', 'result'],
  ...['error', 'granted', 'allowed', 'denied', 'exists', 'present', 'missing', 'supported', 'revoked', 'active'],
  ...[
    'options',
    'option',
    'config',
    'configuration',
    'configurations',
    'settings',
    'factor',
    'factors',
    'flows',
    'providers',
  ],
  ...[
    'encryption',
    'expression',
    'schemes',
    'protocol',
    'history',
    'management',
    'manager',
    'console',
    'from',
    'by',
    'owner',
    'user',
    'username',
    'email',
  ],
  ...['action', 'event', 'request', 'endpoint', 'client', 'permission', 'permissions', 'role', 'domain', 'samesite'],
]);

/** First words that make a key a question, to be answered by a word or a boolean: `is_secret`. */
export const QUESTIONS: ReadonlySet<string> = new Set([
  ...['is', 'has', 'can', 'should', 'needs', 'requires', 'require', 'allow', 'allows', 'use', 'uses', 'enable', 'with'],
]);

/**
 * Nouns that are also found where a key runs words together: at the end of a word (`clientsecret`), and those of
 * {@link RUN_ON_STARTS} at its beginning as well (`passwordhash`, but not `secretary`).
 */
export const RUN_ON_ENDS: readonly string[] = [
  ...['password', 'passwd', 'passphrase', 'passcode', 'secret', 'token', 'apikey', 'accesskey', 'privatekey', 'auth'],
  ...['secretkey', 'credential', 'cookie', 'creditcard', 'cardnumber', 'cookies', 'secrets', 'tokens', 'credentials'],
  ...['sessionid', 'sessid', 'authorization', 'passwords', 'userpwd', 'adminpwd', 'dbpass', 'userpass'],
];
export const RUN_ON_STARTS: readonly string[] = [
  ...['password', 'passwd', 'passphrase', 'apikey', 'privatekey', 'creditcard', 'secretkey', 'accesskey', 'authtoken'],
  ...['accesstoken', 'cardnumber', 'clientsecret'],
];
/** The endings of such a word that make it no secret: `passwordless`. */
export const HARMLESS_ENDINGS: ReadonlySet<string> = new Set([
  'less',
  'ed',
  'ing',
  'er',
  'ers',
  'ization',
  'ize',
  'ized',
]);
