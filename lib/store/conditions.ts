import type { Condition, Item, Write } from './ports.ts';

/**
 * Whether a write may go through, given the item that stands at its key. An `update` asks for an item even where it
 * states no condition.
 */
export function isAllowed(write: Write, standing: Item | undefined): boolean {
  if ('update' in write && standing === undefined) return false;
  return write.when === undefined || holds(write.when, standing);
}

/** Whether the item at a key must be read before the write is made. */
export function needsStanding(write: Write): boolean {
  return write.when !== undefined || 'update' in write;
}

/** What stands at the key after a write that is allowed; undefined where nothing does. */
export function itemAfter(write: Write, standing: Item | undefined): Item | undefined {
  if ('put' in write) return write.put;
  if ('remove' in write) return undefined;
  if (!('update' in write) || standing === undefined) return standing;
  const attributes = { ...standing.attributes, ...write.set };
  const expiresAt = write.expiresAt ?? standing.expiresAt;
  const { partition, sort } = standing;
  return expiresAt === undefined ? { partition, sort, attributes } : { partition, sort, attributes, expiresAt };
}

function holds(condition: Condition, standing: Item | undefined): boolean {
  if (condition.is === 'absent') return standing === undefined;
  if (condition.is === 'present' || standing === undefined) return standing !== undefined;
  // Nothing that an object inherits is a string or a number, so that only its own attributes can be equal.
  return standing.attributes[condition.attribute] === condition.value;
}
