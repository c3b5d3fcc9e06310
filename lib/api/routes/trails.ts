import * as z from 'zod';
import { Limiter } from '../../base/limiter.ts';
import type { ListedTrail, TrailsReply } from '../../contract/replies.ts';
import type { Shape } from '../../json/shape.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { wholeNumberBetween } from './parameters.ts';
import { count, millis } from './reply-fields.ts';

/** Trails of one page, at most and by default. */
const PAGE_TRAILS = 1000;
/** Heads that are read at the same time. */
const AT_ONCE = 32;

const trailName = z.string().refine((name) => isTrailName(name) || isSystemTrailName(name), 'must be a cursor');
export const trailCursor = trailName.describe(
  'The last trail of the page: `cursor` of the next one. Absent on the last page.',
);

/** The parameters of a list of trails in pages. */
export const TRAIL_PAGE = {
  limit: wholeNumberBetween(1, PAGE_TRAILS)
    .default(PAGE_TRAILS)
    .describe(`Trails of one page, at most: 1 to ${PAGE_TRAILS}.`),
  cursor: trailName.optional().describe('Goes on where the page ended that had this cursor.'),
};

export const trailsSchema = z.strictObject({
  trails: z.array(z.strictObject({ trail: z.string(), size: count, receivedAt: millis } satisfies Shape<ListedTrail>)),
  cursor: trailCursor.optional(),
} satisfies Shape<TrailsReply>);

/** Services for listing trails. */
export interface TrailServices {
  readonly ledger: Pick<Ledger, 'trails' | 'head'>;
}

export const listTrails = route({
  name: 'listTrails',
  method: 'GET',
  path: '/v1/trails',
  action: { on: 'answer', anyOf: ['read'] },
  recorded: false,
  summary: 'The trails that the caller may read, in order of their names, in pages.',
  query: z.strictObject(TRAIL_PAGE),
  replies: { 200: trailsSchema },
  handler: async ({ ledger }: TrailServices, { query, mayAccess }) => {
    const { names, ...next } = await readPage(ledger.trails(afterCursor(query)), mayAccess, query.limit);
    const limiter = new Limiter(AT_ONCE);
    const trails = names.map((trail) =>
      limiter.run(async () => {
        const head = await ledger.head(trail);
        return { trail, size: head?.size ?? 0, receivedAt: head?.receivedAt ?? 0 };
      }),
    );
    return json(200, { trails: await Promise.all(trails), ...next });
  },
});

/** Where a page begins. */
export const afterCursor = ({ cursor }: { readonly cursor?: string }): { readonly after?: string } =>
  cursor === undefined ? {} : { after: cursor };

/** The first names that the caller may see, and the cursor where there are more. */
export async function readPage(
  trails: AsyncIterable<string>,
  mayAccess: (trail: string) => boolean,
  limit: number,
): Promise<{ readonly names: readonly string[]; readonly cursor?: string }> {
  const names: string[] = [];
  for await (const trail of trails) {
    if (!mayAccess(trail)) continue;
    const last = names.at(-1);
    if (names.length === limit && last !== undefined) return { names, cursor: last };
    names.push(trail);
  }
  return { names };
}
