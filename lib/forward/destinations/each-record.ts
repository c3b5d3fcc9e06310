import { setTimeout as sleep } from 'node:timers/promises';
import { pauseMs } from '../../base/backoff.ts';
import type { Failure } from '../../store/streams/firehose.ts';
import type { Delivery } from '../destination.ts';

const MAX_TRIES = 5;
const BACK_OFF = { firstMs: 100, maxMs: 2_000 };

/**
 * Puts items of which a service takes some and not others, in groups, and puts again what it did not take. The order is that of the
 * items, as far as the service keeps one.
 *
 * @param groups records put at once, in order
 */
export async function putEach<Item>(
  groups: readonly (readonly Item[])[],
  put: (items: readonly Item[], signal: AbortSignal) => Promise<readonly (Failure | undefined)[]>,
  signal: AbortSignal,
): Promise<Delivery> {
  for (const group of groups) {
    let left = group;
    for (let tries = 1; left.length > 0; tries++) {
      const outcome = await put(left, signal);
      const failures = outcome.filter((one) => one !== undefined);
      left = left.filter((_, n) => outcome[n] !== undefined);
      if (left.length === 0) break;
      if (tries === MAX_TRIES) {
        const { code, message } = failures[0] ?? { code: '', message: '' };
        return { is: 'failed', reason: `${left.length} were not taken: ${code} ${message}`.slice(0, 300) };
      }
      await sleep(pauseMs(tries, BACK_OFF), undefined, { signal });
    }
  }
  return { is: 'taken' };
}

/** Items in order, in groups within limits. */
export function grouped<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  limits: { readonly items: number; readonly bytes: number },
): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    const group = groups.at(-1);
    if (group === undefined || group.length === limits.items || bytes + size > limits.bytes) {
      groups.push([item]);
      bytes = size;
    } else {
      group.push(item);
      bytes += size;
    }
  }
  return groups;
}
