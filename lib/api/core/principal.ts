import * as z from 'zod';
import { matchesTrail, TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';
import { isSystemTrailName } from '../../log/trail-name.ts';

/** What a principal may be allowed to do with a trail. */
export const ACTIONS = ['append', 'read', 'verify', 'export', 'admin'] as const;
export type Action = (typeof ACTIONS)[number];

/** A credential's name and rights. */
export const grantSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.@:/+=-]{1,256}$/)
    .describe('Sealed into records as `submitter`.'),
  actions: z.array(z.enum(ACTIONS)).max(ACTIONS.length),
  trails: z
    .array(z.string().regex(TRAIL_PATTERN, TRAIL_PATTERN_RULE))
    .max(1000)
    .describe('Names of trails, in which * stands for any characters, but not for a leading _.'),
});
export type Grant = z.infer<typeof grantSchema>;

/** An authenticated caller. */
export class Principal {
  /** Sealed into records as `submitter`. */
  readonly name: string;
  readonly #actions: ReadonlySet<Action>;
  readonly #trails: readonly string[];

  constructor(grant: Grant) {
    this.name = grant.name;
    this.#actions = new Set(grant.actions);
    this.#trails = grant.trails;
  }

  /**
   * Whether the caller may do this with a trail. As with hidden files, a leading `_` must be in the pattern: `*` stands
   * for no system trail, `_*` for all of them. Only the system appends to its own trails, whatever a grant says.
   */
  may(action: Action, trail: string): boolean {
    const isSystem = isSystemTrailName(trail);
    return (
      this.#actions.has(action) &&
      !(isSystem && action === 'append') &&
      this.#trails.some((pattern) => (!isSystem || pattern.startsWith('_')) && matchesTrail(pattern, trail))
    );
  }
}
