import * as z from 'zod';
import { matchesTrail, TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';

/** How archived objects are locked. Governance can be bypassed by those who are allowed to, compliance not at all. */
export const LOCKS = ['governance', 'compliance'] as const;
/** One of {@link LOCKS}. */
export type Lock = (typeof LOCKS)[number];

/**
 * The shortest time in the hot store, in days: idempotency keys are remembered for two, and a repeated append is answered
 * from the hot store.
 */
export const MIN_HOT_DAYS = 3;
const MAX_DAYS = 36_500;

const hotDays = z
  .union([z.int().min(MIN_HOT_DAYS).max(MAX_DAYS), z.literal('forever')], {
    error: `must be "forever" or a whole number of days from ${MIN_HOT_DAYS} to ${MAX_DAYS}`,
  })
  .describe('How many days records stay in the hot store, once the archive has them; then the archive alone has them.');
const archiveDays = z
  .int()
  .min(1)
  .max(MAX_DAYS)
  .describe('How many days each archived object is locked, from when it is written.');
const lock = z.enum(LOCKS).describe('How archived objects are locked: `compliance` cannot be undone by anyone.');

const rules = { hotDays: hotDays.optional(), archiveDays: archiveDays.optional(), lock: lock.optional() };
const entriesOf = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject({
    default: z.strictObject(shape).describe('What holds for every trail.').optional(),
    trails: z
      .array(z.strictObject({ trail: z.string().regex(TRAIL_PATTERN, TRAIL_PATTERN_RULE), ...shape }))
      .max(1000)
      .describe('What differs by trail: of each setting, the last entry that matches a trail and has it counts.')
      .optional(),
  });

/**
 * How long records stay where, as JSON such as `{"default": {"hotDays": 90}, "trails": [{"trail": "debug-*", "hotDays": 7}]}`.
 */
export const retentionConfigSchema = entriesOf(rules);
/** See {@link retentionConfigSchema}. */
export type RetentionConfig = z.infer<typeof retentionConfigSchema>;

/** The same where the archive is a folder, which locks nothing. */
export const hotRetentionSchema = entriesOf({ hotDays: rules.hotDays });

/** The settings of one trail; undefined ones were never set. */
export interface TrailRetention {
  readonly hotDays: number | 'forever' | undefined;
  readonly archiveDays: number | undefined;
  readonly lock: Lock | undefined;
}

/** The settings of a trail in a configuration; without a trail, those of all. */
export function retentionFor(config: RetentionConfig, trail?: string): TrailRetention {
  const matching = (config.trails ?? []).filter((entry) => trail !== undefined && matchesTrail(entry.trail, trail));
  const layers = [config.default ?? {}, ...matching].reverse();
  return {
    hotDays: layers.find((layer) => layer.hotDays !== undefined)?.hotDays,
    archiveDays: layers.find((layer) => layer.archiveDays !== undefined)?.archiveDays,
    lock: layers.find((layer) => layer.lock !== undefined)?.lock,
  };
}
