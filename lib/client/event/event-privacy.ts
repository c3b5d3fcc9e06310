import { DEFAULT_POLICY, type PrivacyPolicy } from '../../privacy/policy.ts';
import { type ScrubbableEvent, scrubEvent } from '../../privacy/scrub.ts';

/** What is taken out of events before they leave the logger, whatever its sinks are (docs/schema.md, "Redaction"). */
export interface EventPrivacy {
  /** Names of keys that hold secrets, besides those that the rules find. */
  readonly redactKeys?: readonly string[];
  /** Names of keys that are kept although they look secret. */
  readonly keepKeys?: readonly string[];
  /** The kinds of secrets that are looked for inside text. @default all */
  readonly redactPatterns?: PrivacyPolicy['redactPatterns'];
  /** Whether e-mail and IP addresses are masked. A log may still mask what the client includes. @default mask */
  readonly pii?: PrivacyPolicy['pii'];
}

/** Applies the rules of the log to an event's fields, in place. They hold what the contract allows, and nothing else has them. */
export function scrubbing(privacy: EventPrivacy): (fields: Record<string, unknown>) => void {
  const { redactKeys = [], keepKeys = [], redactPatterns = DEFAULT_POLICY.redactPatterns, pii = 'mask' } = privacy;
  const policy: PrivacyPolicy = {
    ...DEFAULT_POLICY,
    ...{ redactKeys: { standard: true, redact: redactKeys, keep: keepKeys }, redactPatterns, pii },
  };
  // The cast: they were checked against the contract's fields.
  return (fields) => void scrubEvent(fields as unknown as ScrubbableEvent, policy);
}
