import type { PrivacyPolicy } from '../privacy/policy.ts';
import { eventIdsOf, type RepeatableRequest } from './event-id.ts';
import { type PreparedEvent, prepareBatch } from './intake.ts';

/** A request's body that is to become events, with all that this depends on but the policy. Plain data, for another thread too. */
export interface Preparation {
  readonly trail: string;
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
  readonly handling: 'strict' | 'lenient';
  /** The request, where it can be repeated: its events without an id then get the same ones again. */
  readonly repeatable: RepeatableRequest | undefined;
}

/** Prepares events, here or in another thread. @throws as {@link prepareBatch} */
export type Prepare = (
  preparation: Preparation,
  policy: PrivacyPolicy,
) => readonly PreparedEvent[] | Promise<readonly PreparedEvent[]>;

/** Prepares events in this thread. */
export function prepareHere(
  { body, contentType, handling, repeatable }: Preparation,
  policy: PrivacyPolicy,
): readonly PreparedEvent[] {
  return prepareBatch(body, contentType, policy, handling, repeatable && eventIdsOf(repeatable));
}
