import * as z from 'zod';
import type { SignedHttp } from '../../client/http/http.ts';
import type { ListedTrail, TrailsReply } from '../../contract/replies.ts';
import { matchesTrail, TRAIL_PATTERN } from '../../contract/trail-pattern.ts';
import type { Shape } from '../../json/shape.ts';
import { SealtrailError } from '../../log/error.ts';
import { isSystemTrailName } from '../../log/trail-name.ts';
import { trailName } from './shell.ts';

/** For argument parsers: the name of a trail, or a pattern in which `*` matches any characters. */
export function trailOrPattern(text: string): string {
  return text.includes('*') && TRAIL_PATTERN.test(text) ? text : trailName(text);
}

const pageSchema = z.object({
  trails: z.array(
    z.object({ trail: z.string(), size: z.number(), receivedAt: z.number() } satisfies Shape<ListedTrail>),
  ),
  cursor: z.string().optional(),
} satisfies Shape<TrailsReply>);

/**
 * All trails that the caller may read, page by page.
 *
 * @throws `unavailable` when what answers is no list of trails; the server's own errors
 */
export async function listTrails(http: SignedHttp, signal?: AbortSignal): Promise<readonly ListedTrail[]> {
  const found: ListedTrail[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = cursor === undefined ? {} : { cursor };
    const page = pageSchema.safeParse(
      (await http.send({ path: '/v1/trails', query, ...(signal && { signal }) })).json(),
    );
    if (!page.success || (page.data.cursor !== undefined && page.data.cursor === cursor)) {
      throw new SealtrailError('unavailable', 'the server did not answer with its trails', { cause: page.error });
    }
    found.push(...page.data.trails);
    if (page.data.cursor === undefined) return found;
    cursor = page.data.cursor;
  }
}

/**
 * The trails that match names and patterns, among those that the caller may read. As with hidden files, a leading `_` must be
 * in the pattern.
 *
 * @throws `not_found` for a pattern without a match
 */
export async function namedTrails(
  http: SignedHttp,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!names.some((one) => one.includes('*'))) return [...new Set(names)];
  const known = (await listTrails(http, signal)).map(({ trail }) => trail);
  const named = names.flatMap((one) => {
    if (!one.includes('*')) return [one];
    const found = known.filter(
      (trail) => (!isSystemTrailName(trail) || one.startsWith('_')) && matchesTrail(one, trail),
    );
    if (found.length === 0) throw new SealtrailError('not_found', `there is no trail ${one} that you may read`);
    return found;
  });
  return [...new Set(named)];
}
