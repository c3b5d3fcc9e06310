import * as z from 'zod';
import { matchesTrail, TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';
import { errorAt } from '../../json/field-path.ts';
import { firstIssue } from '../../json/parse-or-throw.ts';
import { SealtrailError } from '../../log/error.ts';
import { DEFAULT_POLICY, type PrivacyPolicy } from '../policy.ts';
import { SECRET_PATTERNS } from '../secret-text.ts';

const keyName = z
  .string()
  .regex(/[\p{L}\p{N}]/u, 'must hold a letter or digit')
  .max(128);
const rules = {
  redactKeys: z.array(keyName).max(1000).describe('Keys to redact besides those that the rules find.').optional(),
  keepKeys: z
    .array(keyName)
    .max(1000)
    .describe('Keys to keep although they look secret, besides those that the rules find.')
    .optional(),
  redactPatterns: z
    .array(z.enum(SECRET_PATTERNS))
    .describe('The kinds of secrets to look for inside text; default all.')
    .optional(),
  pii: z.enum(['mask', 'include']).describe('Whether e-mail and IP addresses are masked; default `mask`.').optional(),
  longNumbers: z
    .enum(['text', 'refuse'])
    .describe('What becomes of numbers that a double does not keep: text of their digits (default), or a refusal.')
    .optional(),
  unfit: z
    .enum(['ask', 'keep', 'refuse'])
    .describe(
      'What becomes of values that do not fit: as `Prefer: handling=` asks (default), kept in another form, refused.',
    )
    .optional(),
};

/** How a deployment configures privacy: JSON such as `{"default": {…}, "trails": [{"trail": "payments-*", …}]}`. */
export const privacyConfigSchema = z.strictObject({
  default: z.strictObject(rules).describe('What holds for every trail.').optional(),
  trails: z
    .array(z.strictObject({ trail: z.string().regex(TRAIL_PATTERN, TRAIL_PATTERN_RULE), ...rules }))
    .max(1000)
    .describe('What differs by trail. Keys add up; of the rest, the last entry that matches a trail and has it counts.')
    .optional(),
});
/** See {@link privacyConfigSchema}. */
export type PrivacyConfig = z.infer<typeof privacyConfigSchema>;

/**
 * Reads a configuration from JSON text.
 *
 * Errors: `invalid_parameter` with the field, such as `trails[0].pii`.
 *
 * @example
 * parsePrivacyConfig('{"trails": [{"trail": "security-*", "pii": "include"}]}');
 */
export function parsePrivacyConfig(json: string): PrivacyConfig {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new SealtrailError('invalid_parameter', 'the privacy configuration is not JSON', { cause });
  }
  const parsed = privacyConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw configError(parsed.error);
}

function configError(error: z.ZodError): SealtrailError {
  const { path: steps, unknown, message } = firstIssue(error);
  if (unknown !== undefined) {
    const known =
      steps.length === 0 ? ['default', 'trails'] : [...(steps[0] === 'trails' ? ['trail'] : []), ...Object.keys(rules)];
    return errorAt('invalid_parameter', [...steps, unknown], `unknown setting: there are ${known.join(', ')}`);
  }
  const about = steps.length === 0 ? 'the privacy configuration: ' : '';
  return errorAt('invalid_parameter', steps, `${about}${message}`);
}

/** Policies by configuration and by which of its entries match, so that a policy and what is made from it is made once. */
const POLICIES = new WeakMap<PrivacyConfig, Map<string, PrivacyPolicy>>();

/** The policy of a trail. The same object for the same configuration and matching entries. */
export function policyFor(trail: string, config: PrivacyConfig): PrivacyPolicy {
  const entries = config.trails ?? [];
  const matching = entries.map((_, i) => i).filter((i) => matchesTrail(entries[i]?.trail ?? '', trail));
  const known = POLICIES.get(config) ?? new Map<string, PrivacyPolicy>();
  POLICIES.set(config, known);
  const name = matching.join();
  let policy = known.get(name);
  if (policy === undefined) {
    policy = merge([config.default ?? {}, ...matching.map((i) => entries[i] ?? {})]);
    known.set(name, policy);
  }
  return policy;
}

type Rules = NonNullable<PrivacyConfig['default']>;

function merge(layers: readonly Rules[]): PrivacyPolicy {
  /** The value of the last layer that sets one. */
  const last = <Name extends 'redactPatterns' | 'pii' | 'longNumbers' | 'unfit'>(name: Name): PrivacyPolicy[Name] =>
    (layers.findLast((layer) => layer[name] !== undefined)?.[name] as PrivacyPolicy[Name] | undefined) ??
    DEFAULT_POLICY[name];
  return {
    redactKeys: {
      standard: true,
      redact: layers.flatMap((layer) => layer.redactKeys ?? []),
      keep: layers.flatMap((layer) => layer.keepKeys ?? []),
    },
    redactPatterns: last('redactPatterns'),
    pii: last('pii'),
    longNumbers: last('longNumbers'),
    unfit: last('unfit'),
  };
}
