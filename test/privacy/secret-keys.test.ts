import { describe, expect, it } from 'vitest';
import type { Holds } from '../../lib/privacy/key-rules.ts';
import { KeyMatcher } from '../../lib/privacy/secret-keys.ts';

const standard = new KeyMatcher({ standard: true, redact: [], keep: [] });
const holds = (key: string): Holds | undefined => standard.verdict(key).holds;

describe('keys that hold secrets', () => {
  const DIGITS = `password Password PASSWORD user_password userPassword passwordHash PGPASSWORD password2 passwords passwd
    db_pwd passphrase passcode pin otp mfa_code recovery_codes credit_card creditCard creditcardnumber credit-cards ssn SSN
    user_ssn ssn_last4 social_security_number tax_id taxId taxid bank_account bankAccountNumber routing_number RoutingNumber
    cardNumber cvv iban p_a_s_s_w_o_r_d pass\u00adword ｐａｓｓｗｏｒｄ p\u0430ssword`;
  const TEXT = `secret client_secret clientSecret clientsecret secretKeyBase secrets token access_token accessToken ACCESS-TOKEN
    accesstoken x-csrf-token token1 token_value IDToken api_key apiKey API-KEY apikey X-Api-Key XAPIKey apiKeys
    google.api.key auth authToken basic_auth basicauth oauth oauth2 auth_header credential credentials awsCredentials cookie
    Set-Cookie access_key privateKey pass db_pass jwt bearer signing_key encryption_key sharedKey connection_string totp_seed
    tokens refresh_tokens accessTokens auths`;
  it.each(DIGITS.split(/\s+/))('%s: text and digits', (key) => {
    expect(holds(key)).toBe('digits');
  });
  it.each(TEXT.split(/\s+/))('%s: text', (key) => {
    expect(holds(key)).toBe('text');
  });
  it.each(['Authorization', 'proxy-authorization', 'session_id', 'sid', 'csrf', 'connect.sid'])(
    '%s: what can be a credential',
    (key) => {
      expect(holds(key)).toBe('credential');
    },
  );
});

describe('keys that only look like them', () => {
  const OPEN = `author authored_by authority authentic tokens_used tokenizer tokenize secretary secretariat secretion
    passwordless syntaxid syntax_id taxonomy token_count tokenCount input_token_count max_token token_type auth_method
    authMethod auth_provider key keyboard classname session card __proto__ constructor 😀 api monkey compass bank account
    number routing total_tokens secret_token_count cost_per_token time_to_first_token token_id next_token nextPageToken
    stop_token api_key_id secret_arn authorization_url password_changed_at authorization.k8s.io/decision authorizationInfo
    authorizer PasswordLastSet passwordResetRequired MinimumPasswordLength cookies_enabled card_number_last4`;
  it.each(OPEN.split(/\s+/))('%s', (key) => {
    expect(holds(key)).toBeUndefined();
  });
});

describe('rules of one’s own', () => {
  it('add words, in any way of writing, whatever they hold; under the plural, text', () => {
    const own = new KeyMatcher({ standard: false, redact: ['pin', 'Employee-Number', '顧客'], keep: [] });
    const of = (key: string): Holds | undefined => own.verdict(key).holds;
    expect(['pin', 'cardPin', 'employeeNumber', 'employeenumber', '顧客'].map(of)).toEqual(Array(5).fill('anything'));
    expect(of('pins')).toBe('text');
    expect(['spin', 'pink', 'opinion', 'employee', 'password'].map(of)).toEqual(Array(5).fill(undefined));
  });

  it('keep what is said to be harmless, and only that', () => {
    const own = new KeyMatcher({ standard: true, redact: ['badge'], keep: ['token', 'badge name'] });
    expect(own.verdict('accessToken').holds).toBeUndefined();
    expect(own.verdict('badgeName').holds).toBeUndefined();
    expect(own.verdict('badgeNameBadge').holds).toBe('anything');
    expect(own.verdict('clientSecret').holds).toBe('text');
  });

  it('do not let words run together over what was kept between them', () => {
    const own = new KeyMatcher({ standard: true, redact: [], keep: ['public'] });
    expect(own.verdict('api_public_key').holds).toBeUndefined();
    expect(own.verdict('api_key_public').holds).toBe('text');
  });

  it('take a word without letters or digits for none, rather than for all', () => {
    const own = new KeyMatcher({ standard: false, redact: ['--', ''], keep: ['__', ''] });
    expect(own.verdict('anything').holds).toBeUndefined();
    expect(own.verdict('').holds).toBeUndefined();
  });
});
