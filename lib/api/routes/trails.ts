import * as z from 'zod';
import type { Ledger } from '../../ledger/ledger.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { count, millis } from './reply-fields.ts';

export const trailsSchema = z.strictObject({
  trails: z.array(z.strictObject({ trail: z.string(), size: count, receivedAt: millis })),
});

/** What listing trails needs. */
export interface TrailServices {
  readonly ledger: Pick<Ledger, 'trails' | 'head'>;
}

export const listTrails = route({
  name: 'listTrails',
  method: 'GET',
  path: '/v1/trails',
  action: { on: 'answer', anyOf: ['read'] },
  recorded: false,
  summary: 'The trails that the caller may read.',
  replies: { 200: trailsSchema },
  handler: async ({ ledger }: TrailServices, { mayAccess }) => {
    const trails: z.infer<typeof trailsSchema>['trails'] = [];
    for await (const trail of ledger.trails()) {
      if (!mayAccess(trail)) continue;
      const head = await ledger.head(trail);
      trails.push({ trail, size: head?.size ?? 0, receivedAt: head?.receivedAt ?? 0 });
    }
    return json(200, { trails });
  },
});
