import type { Delivery, Refusal } from '../../forward/destination.ts';

/** The result of delivering records. */
export type Delivered =
  | { readonly is: 'done'; readonly refused: readonly Refusal[] }
  | {
      readonly is: 'failed';
      readonly reason: string;
      readonly retryAfterMs?: number | undefined;
      /** True if another batch, with more records, may show which of them are at fault. */
      readonly refusesAll?: true;
    };

/** Records that are refused one after the other, and none taken, before the destination itself must be at fault. */
const MAX_REFUSED = 16;

/**
 * Sends records, and finds those that the destination will never take: a batch that it refuses is halved. A record is given up
 * only if the destination takes another one of the same batch; where it refuses them all, it is broken rather than they.
 *
 * @param items of one batch, in order
 * @param send sends consecutive ones. Must not throw.
 */
export async function deliver<Item extends { readonly seq: number }>(
  items: readonly Item[],
  send: (part: readonly Item[]) => Promise<Delivery>,
): Promise<Delivered> {
  const refused: Refusal[] = [];
  let taken = 0;
  // Parts that are still to be sent; the last one is next.
  const parts: (readonly Item[])[] = items.length === 0 ? [] : [items];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const outcome = await send(part);
    if (outcome.is === 'failed') return outcome;
    if (outcome.is === 'taken') {
      const some = outcome.refused ?? [];
      refused.push(...some);
      taken += part.length - some.length;
    } else if (part.length > 1) {
      const middle = Math.ceil(part.length / 2);
      parts.push(part.slice(middle), part.slice(0, middle));
    } else {
      refused.push({ seq: part[0]?.seq ?? 0, reason: outcome.reason });
    }
    if (taken === 0 && refused.length >= Math.min(MAX_REFUSED, items.length)) {
      return { is: 'failed', reason: `it refuses every record. ${refused[0]?.reason ?? ''}`, refusesAll: true };
    }
  }
  return { is: 'done', refused };
}
