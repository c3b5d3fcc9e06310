import { describe, expect, it } from 'vitest';
import { DEFAULT_KEEP_KEYS, DEFAULT_REDACT_KEYS, KeyMatcher } from '../../lib/privacy/secret-keys.ts';

const matcher = new KeyMatcher({ redact: DEFAULT_REDACT_KEYS, keep: DEFAULT_KEEP_KEYS });

describe('keys that hold secrets', () => {
  it.each([
    ...[
      'password',
      'Password',
      'PASSWORD',
      'user_password',
      'userPassword',
      'passwordHash',
      'PGPASSWORD',
      'password2',
      'passwords',
    ],
    ...['secret', 'client_secret', 'clientSecret', 'clientsecret', 'secretKeyBase', 'secrets'],
    ...[
      'token',
      'access_token',
      'accessToken',
      'ACCESS-TOKEN',
      'accesstoken',
      'x-csrf-token',
      'token1',
      'token_value',
      'IDToken',
    ],
    ...['api_key', 'apiKey', 'API-KEY', 'api key', 'apikey', 'X-Api-Key', 'XAPIKey', 'apiKeys', 'google.api.key'],
    ...[
      'auth',
      'authToken',
      'basic_auth',
      'basicauth',
      'oauth',
      'oauth2',
      'auth_header',
      'Authorization',
      'proxy-authorization',
    ],
    ...['credential', 'credentials', 'awsCredentials', 'credit_card', 'creditCard', 'creditcardnumber', 'credit-cards'],
    ...[
      'ssn',
      'SSN',
      'user_ssn',
      'ssn_last4',
      'tax_id',
      'taxId',
      'taxid',
      'bank_account',
      'bankAccountNumber',
      'routing_number',
    ],
    ...[
      'RoutingNumber',
      'passwd',
      'db_pwd',
      'passphrase',
      'cookie',
      'Set-Cookie',
      'access_key',
      'privateKey',
      'cardNumber',
      'cvv',
    ],
    ...['secret_token_count', 'token_count_secret'],
  ])('%s', (key) => {
    expect(matcher.verdict(key)).toBe('secret');
  });
});

describe('keys that only look like them', () => {
  it.each([
    ...[
      'author',
      'authored_by',
      'authority',
      'authentic',
      'tokens_used',
      'tokenizer',
      'tokenize',
      'secretary',
      'secretariat',
    ],
    ...[
      'passwordless',
      'syntaxid',
      'syntax_id',
      'taxonomy',
      'token_count',
      'tokenCount',
      'input_token_count',
      'max_token',
    ],
    ...[
      'token_type',
      'auth_method',
      'authMethod',
      'auth_provider',
      'pass',
      'key',
      'keyboard',
      'classname',
      'session',
      'card',
      '',
    ],
    ...['__proto__', 'constructor', '😀', 'api', 'monkey', 'compass', 'bank', 'account', 'number', 'routing'],
  ])('%s', (key) => {
    expect(matcher.verdict(key)).toBe('open');
  });

  it.each(['tokens', 'refresh_tokens', 'total_tokens', 'accessTokens', 'auths', 'ssns', 'tax_ids'])(
    '%s depends on what it holds',
    (key) => {
      expect(matcher.verdict(key)).toBe('plural');
    },
  );
});

describe('rules of one’s own', () => {
  it('adds words, in any way of writing', () => {
    const own = new KeyMatcher({ redact: ['pin', 'Employee-Number', '顧客'], keep: [] });
    expect(['pin', 'cardPin', 'employeeNumber', 'employeenumber', '顧客'].map((key) => own.verdict(key))).toEqual(
      Array(5).fill('secret'),
    );
    expect(['spin', 'pink', 'opinion', 'employee', 'password'].map((key) => own.verdict(key))).toEqual(
      Array(5).fill('open'),
    );
  });

  it('keeps what is said to be harmless, and only that', () => {
    const own = new KeyMatcher({ redact: ['token', 'secret'], keep: ['token', 'secret name'] });
    expect(own.verdict('accessToken')).toBe('open');
    expect(own.verdict('secretName')).toBe('open');
    expect(own.verdict('secretNameSecret')).toBe('secret');
  });

  it('does not let words run together over what was kept between them', () => {
    const own = new KeyMatcher({ redact: ['api_key'], keep: ['public'] });
    expect(own.verdict('api_public_key')).toBe('open');
    expect(own.verdict('api_key_public')).toBe('secret');
  });

  it('takes a word without letters or digits for none, rather than for all', () => {
    const own = new KeyMatcher({ redact: ['--', ''], keep: ['__', ''] });
    expect(own.verdict('anything')).toBe('open');
    expect(own.verdict('')).toBe('open');
  });
});
