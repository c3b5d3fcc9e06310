import { DEFAULT_POLICY, type PrivacyPolicy } from '../../privacy/policy.ts';
import { type ScrubbableEvent, scrubEvent } from '../../privacy/scrub.ts';
import { assertOptions } from './options.ts';

/** The redaction of events before they leave the logger, whatever its sinks are (docs/schema.md, "Redaction"). */
export interface EventPrivacy {
  /** Names of keys that hold secrets, besides those that the rules find. */
  readonly redactKeys?: readonly string[];
  /** Names of keys that are kept although they look secret. */
  readonly keepKeys?: readonly string[];
  /** The kinds of secrets that are looked for inside text. @default all */
  readonly redactPatterns?: PrivacyPolicy['redactPatterns'];
  /**
   * Where e-mail and IP addresses are masked. `locally`: in everything but what goes to a log, which masks them itself and
   * can so keep people apart whose masked addresses look alike (docs/schema.md). `everywhere`: on the way to a log and in
   * its spool too, where no one can tell those people apart any more. `nowhere`: a log may still mask them.
   *
   * @default locally
   */
  readonly mask?: 'locally' | 'everywhere' | 'nowhere';
}

type Scrub = (fields: Record<string, unknown>) => void;

/** The treatment of an event before it goes to a log, and of one that goes elsewhere. */
export interface Scrubbing {
  readonly always: Scrub;
  readonly locally: Scrub | undefined;
}

/** @param hasLog whether any of it goes to a log */
export function scrubbing(privacy: EventPrivacy, hasLog: boolean): Scrubbing {
  const { redactKeys = [], keepKeys = [], redactPatterns = DEFAULT_POLICY.redactPatterns, mask = 'locally' } = privacy;
  assertOptions(privacy, { mask: ['locally', 'everywhere', 'nowhere'] });
  const rules = { redactKeys: { standard: true, redact: redactKeys, keep: keepKeys }, redactPatterns };
  const masking = scrub({ ...DEFAULT_POLICY, ...rules, pii: 'mask' });
  const redacting = scrub({ ...DEFAULT_POLICY, ...rules, pii: 'include' });
  if (mask === 'nowhere') return { always: redacting, locally: undefined };
  const isSplit = mask === 'locally' && hasLog;
  return isSplit ? { always: redacting, locally: masking } : { always: masking, locally: undefined };
}

/** Applies the rules of the log to an event's fields, in place. They hold what the contract allows, and nothing else has them. */
function scrub(policy: PrivacyPolicy): Scrub {
  // The cast: they were checked against the contract's fields.
  return (fields) => void scrubEvent(fields as unknown as ScrubbableEvent, policy);
}
