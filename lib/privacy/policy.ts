import type { MaskTag } from './mask.ts';
import type { KeyRules } from './secret-keys.ts';
import { SECRET_PATTERNS, type SecretPattern } from './secret-text.ts';

/** The treatment of a trail's events before they are sequenced. */
export interface PrivacyPolicy {
  /** Which keys hold secrets. */
  readonly redactKeys: KeyRules;
  /** Which kinds of secrets are looked for inside text. */
  readonly redactPatterns: readonly SecretPattern[];
  /** True if e-mail and IP addresses are masked or kept. */
  readonly pii: 'mask' | 'include';
  /** Tells people apart whose addresses are masked alike. @default nothing does */
  readonly maskTag?: MaskTag;
  /** The treatment of numbers that a double does not keep: their digits as text, or the request is refused. */
  readonly longNumbers: 'text' | 'refuse';
  /** The treatment of values that do not fit their field: kept in another form, refused, or as the request asks (`Prefer: handling`). */
  readonly unfit: 'ask' | 'keep' | 'refuse';
}

/** The policy of a deployment without one. */
export const DEFAULT_POLICY: PrivacyPolicy = {
  redactKeys: { standard: true, redact: [], keep: [] },
  redactPatterns: SECRET_PATTERNS,
  pii: 'mask',
  longNumbers: 'text',
  unfit: 'ask',
};
