import { prepareBatch } from '../../event/intake.ts';
import { fieldPath, type Step } from '../../json/field-path.ts';
import { isObject } from '../../log/json.ts';
import type { PrivacyPolicy } from '../../privacy/policy.ts';

/** The record that a log would make of an event. */
export interface Preview {
  /** Paths of redacted values. */
  readonly redacted: readonly string[];
  /** E-mail and IP addresses that are masked. Without the tag that a log puts behind the stars, which needs its secret. */
  readonly masked: readonly Masked[];
  /** Paths of values kept in another form than they were sent. */
  readonly converted: readonly string[];
  /** The event as sealed. Its id is made up where it has none. */
  readonly event: Readonly<Record<string, unknown>>;
}

/** A place that is masked, and the text that stands there instead. */
export interface Masked {
  readonly path: string;
  readonly becomes: string;
}

/**
 * Shows what would become of an event under a policy, by the code that a log prepares events with.
 *
 * @param json one event, or a request body `{"events": [...]}`
 * @returns one preview for each event
 * @throws what `prepareBatch` throws where a log would refuse it: `invalid_event`, `invalid_json`, `record_too_large`
 */
export function previewEvents(json: string, policy: PrivacyPolicy, handling: 'strict' | 'lenient'): Preview[] {
  const body = Buffer.from(json);
  const prepare = (pii: PrivacyPolicy['pii']): Readonly<Record<string, unknown>>[] =>
    prepareBatch(body, 'application/json', { ...policy, pii }, handling).map((event) => JSON.parse(event.json));
  const open = prepare('include');
  return prepare(policy.pii).map((event, at) => ({
    redacted: textsOf(event.redacted),
    masked: [...maskedIn({ ...open[at], ...UNCOMPARED }, { ...event, ...UNCOMPARED }, [])],
    converted: textsOf(event.converted),
    event,
  }));
}

/** An id may be made up, and so differ; paths name what is masked elsewhere. */
const UNCOMPARED = { id: null, redacted: null, converted: null };

/** Where a value differs from the one that was not masked. A masked key is listed, and what stands under it is not. */
function* maskedIn(open: unknown, masked: unknown, steps: readonly Step[]): Generator<Masked> {
  if (typeof masked === 'string') {
    if (open !== masked) yield { path: fieldPath(steps), becomes: masked };
  } else if (Array.isArray(masked) && Array.isArray(open)) {
    for (const [i, item] of masked.entries()) yield* maskedIn(open[i], item, [...steps, i]);
  } else if (isObject(masked) && isObject(open)) {
    for (const [key, value] of Object.entries(masked)) {
      const path = [...steps, key];
      if (Object.hasOwn(open, key)) yield* maskedIn(open[key], value, path);
      else yield { path: fieldPath(path), becomes: key };
    }
  }
}

function textsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}
