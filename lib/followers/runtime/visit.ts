import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../base/defined.ts';
import type { Follower } from './follower.ts';

/** How trails are visited where no process stays to visit them again. */
export interface VisitOptions {
  readonly followers: readonly Follower[];
  /** Called with every error. Must not throw. */
  readonly onError: (error: unknown, source: { readonly follower: string; readonly trail: string }) => void;
  /** Once aborted, visits come to an end and no new one begins. */
  readonly signal?: AbortSignal;
  /** Do now what would otherwise wait for a larger batch. @default false */
  readonly force?: boolean;
  /**
   * Milliseconds that a visit waits for a follower that wants to come back soon, such as a signer that leaves a head to
   * its append for a moment. What wants to wait longer is left to a later visit. @default 500
   */
  readonly maxWaitMs?: number;
}

/** The result of a visit. */
export interface Visit {
  /** True if every follower came through: none failed, and none was kept from its work by the signal. */
  readonly wentWell: boolean;
  /** Milliseconds until the first follower wants to see the trail again; undefined: there is nothing left to do. */
  readonly revisitMs?: number;
}

/** Visits a trail with every follower, in their order. A follower that fails keeps no other from its work. */
export async function visitTrail(trail: string, options: VisitOptions): Promise<Visit> {
  let wentWell = true;
  let revisitMs = Number.POSITIVE_INFINITY;
  for (const follower of options.followers) {
    if (options.signal?.aborted) return { wentWell: false };
    try {
      revisitMs = Math.min(revisitMs, await runAndReturn(follower, trail, options));
    } catch (error) {
      wentWell = false;
      options.onError(error, { follower: follower.name, trail });
    }
  }
  if (options.signal?.aborted) wentWell = false;
  return { wentWell, ...(Number.isFinite(revisitMs) && { revisitMs }) };
}

/** One run, and a second one where the follower asks for it soon. @returns when it wants to come back, or infinity */
async function runAndReturn(follower: Follower, trail: string, options: VisitOptions): Promise<number> {
  const { signal, force = false, maxWaitMs = 500 } = options;
  const run = { force, ...defined({ signal }) };
  const revisit = (): number => follower.revisit?.(trail) ?? Number.POSITIVE_INFINITY;
  await follower.run(trail, run);
  const wait = revisit();
  if (wait > maxWaitMs || signal?.aborted) return wait;
  await sleep(wait);
  await follower.run(trail, run);
  return revisit();
}
