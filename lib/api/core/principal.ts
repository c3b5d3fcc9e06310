import * as z from 'zod';
import { matchesTrail, TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';
import { isSystemTrailName } from '../../log/trail-name.ts';

/** The actions on a trail that a principal may be granted. */
export const ACTIONS = ['append', 'read', 'verify', 'export', 'admin'] as const;
export type Action = (typeof ACTIONS)[number];

/** A credential's name and rights. */
export const grantSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.@:/+=-]{1,256}$/)
    .describe('Recorded as the `submitter` of events.'),
  actions: z.array(z.enum(ACTIONS)).max(ACTIONS.length),
  trails: z
    .array(z.string().regex(TRAIL_PATTERN, TRAIL_PATTERN_RULE))
    .max(1000)
    .describe('Names of trails, in which * matches any characters, but not a leading _.'),
});
export type Grant = z.infer<typeof grantSchema>;

/** A caller: authenticated, or {@link ANYBODY}. */
export class Principal {
  /** Recorded as the `submitter` of events. */
  readonly name: string;
  readonly #actions: ReadonlySet<Action>;
  readonly #trails: readonly string[];

  constructor(grant: Grant) {
    this.name = grant.name;
    this.#actions = new Set(grant.actions);
    this.#trails = grant.trails;
  }

  /**
   * True if the caller may take an action on a trail. As with hidden files, a leading `_` must be in the pattern: `*`
   * matches no system trail, `_*` all of them. Only the system appends to its own trails, regardless of grants.
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

/** The caller of a request without a signature, who may do nothing on any trail. */
export const ANYBODY = new Principal({ name: 'anybody', actions: [], trails: [] });
