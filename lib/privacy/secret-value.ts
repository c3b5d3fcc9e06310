import type { Holds } from './key-rules.ts';

/** The mark in place of redacted text. */
export const REDACTED = '[redacted]';

/** Words that say something about a secret, and are none: settings, decisions, schemes, and what others put in its place. */
const WORDS: ReadonlySet<string> = new Set([
  ...['true', 'false', 'yes', 'no', 'on', 'off', 'null', 'nil', 'none', 'undefined', 'n/a', 'unknown', 'unset'],
  ...['enabled', 'disabled', 'required', 'optional', 'present', 'absent', 'missing', 'valid', 'invalid', 'expired'],
  ...[
    'active',
    'inactive',
    'revoked',
    'read',
    'write',
    'read-only',
    'readonly',
    'granted',
    'denied',
    'allow',
    'allowed',
  ],
  ...['deny', 'forbid', 'forbidden', 'success', 'failure', 'failed', 'redacted', '<redacted>', 'hidden', 'masked'],
  ...[
    'hidden_due_to_security_reasons',
    'sensitive_data',
    '(sensitive)',
    '(sensitive value)',
    '<sensitive>',
    '[filtered]',
  ],
  ...['basic', 'bearer', 'digest', 'oauth', 'oauth2', 'oidc', 'saml', 'ldap', 'jwt', 'sso', 'mfa', 'password', 'token'],
  ...['cookie', 'session', 'api_key', 'apikey', 'iam', 'service_account', 'anonymous', 'default', 'auto', 'inherit'],
]);
const MAX_WORD_LENGTH = 32;

/** Stars and dots that hide a value, a dash for none, and `%%1936`, a message number of the Windows event log. */
const PLACEHOLDER = /^(?:[*•.…]+|-|%%\d+)$/;
const NUMBER = /^-?\d{1,20}(?:\.\d{1,20})?%?$/;
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h|d|w)){1,6}$/;
const DATE =
  /^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.]{0,20}(?:Z|[+-]\d\d:?\d\d)?)?|\d{1,2}\/\d{1,2}\/\d{4}(?: [\d:.]{0,16}(?: ?[AP]M)?)?)$/i;
const VERSION = /^[~^>=<v ]{0,3}\d{1,9}(?:\.\d{1,9}){1,2}(?:[-+][\w.+-]{0,64})?$/;
/** A reference to a variable or a name to be filled in: `${TOKEN}`, `<your token>`, `{{ secret }}`. */
const REFERENCE = /^(?:\$\{?[A-Za-z_][\w.]{0,64}\}?|<[\w -]{1,64}>|\{\{[^{}]{1,64}\}\}|%[A-Z_]{1,64}%)$/;
const ARN = /^arn:[a-z-]{1,16}:[\w-]+:/;
/** A security identifier of Windows, which its logs keep under `sid`. */
const WINDOWS_SID = /^S-1(?:-\d{1,15}){1,15}$/;

/** True if a value that is neither object nor list is the secret that its key's name promises. */
export function isSecretValue(holds: Holds, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (holds === 'anything') return true;
  if (typeof value === 'number') return holds === 'digits' && Math.abs(value) >= 100;
  if (typeof value !== 'string') return false;
  const text = value.trim();
  if (text === '' || isHarmlessText(text)) return false;
  if (NUMBER.test(text)) return holds === 'digits' && text.length >= 3;
  if (holds === 'digits') return true;
  if (DURATION.test(text) || DATE.test(text) || VERSION.test(text) || ARN.test(text)) return false;
  return holds === 'text' || canBeCredential(text);
}

function isHarmlessText(text: string): boolean {
  if (text.length < 200 && (PLACEHOLDER.test(text) || REFERENCE.test(text))) return true;
  if (text.length > MAX_WORD_LENGTH) return false;
  return WORDS.has(text.toLowerCase().replace(/^(["'])(.*)\1$/, '$2')) || WINDOWS_SID.test(text);
}

/** Schemes of RFC 9110 section 11.1, by IANA's registry and by use, in any case. */
export const AUTH_SCHEME =
  /^(?:basic|bearer|digest|token|negotiate|ntlm|hawk|dpop|apikey|api-key|signature|aws|aws4-hmac-sha256|sharedkey(?:lite)?|scram-sha-\d+|mutual|oauth|googlelogin|splunk|key|jwt)\s+\S/i;
const SHORTEST_CREDENTIAL = 8;
/** Lower-case words, dotted or joined names of things: `Microsoft.Network/read`, `forbid`, `session-expired`. */
const NAME = /^[A-Za-z]+(?:[-_./: ][A-Za-z]+){0,32}$/;

/**
 * True if a text can be a credential, by its looks alone: a scheme and more, or no words and not too short. One in which
 * something was taken out or masked is none any more.
 */
export function canBeCredential(text: string): boolean {
  if (AUTH_SCHEME.test(text)) return true;
  if (text.length < SHORTEST_CREDENTIAL || /\s/.test(text)) return false;
  if (WINDOWS_SID.test(text) || /\[redacted\]|\*\*\*|^[{[<]/.test(text)) return false;
  if (text.length <= 64 && NAME.test(text)) return isIrregular(text);
  return true;
}

/** True if letters change case as they do in no name: `dGhpcyBpcw`. */
function isIrregular(text: string): boolean {
  const humps = text.match(/[a-z][A-Z]|[A-Z]{2}[a-z]/g)?.length ?? 0;
  return text.length >= 16 && humps * 4 >= text.length;
}
