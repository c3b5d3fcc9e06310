import type { Attribute, Item, Write } from '../../store/ports.ts';
import { withFormat } from './format.ts';
import { landingKey } from './layout.ts';

/** Where a submission that waited in line was committed, by whichever process had the turn. */
export interface Landing {
  /** The submission's random id. */
  readonly id: string;
  /** Its first record. */
  readonly first: number;
  /** The first record of the block that holds it. */
  readonly block: number;
}

/** How long a landing is kept for the process that waits for it, which asks within seconds. */
const KEPT_SECONDS = 3600;

/** The attributes that a landing adds to the item that remembers an idempotency key: one item then tells both. */
export const landingAttributes = ({ id, first, block }: Landing): Record<string, Attribute> => ({ id, first, block });

/** Reads a landing from its item, or from the item of an idempotency key; undefined where it holds none. */
export function landingOf(item: Item): Landing | undefined {
  const { id, first, block } = item.attributes;
  if (typeof id !== 'string' || typeof first !== 'number' || typeof block !== 'number') return undefined;
  return { id, first, block };
}

/** The write that tells a submission without an idempotency key where it landed; it fails where it landed before. */
export function recordLanding(trail: string, landing: Landing, receivedAt: number): Write {
  return {
    put: {
      ...landingKey(trail, landing.id),
      attributes: withFormat('landing', { ...landingAttributes(landing) }),
      expiresAt: Math.ceil(receivedAt / 1000) + KEPT_SECONDS,
    },
    when: { is: 'absent' },
  };
}
