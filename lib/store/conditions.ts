import type { Condition, Item, Write } from './ports.ts';

/**
 * True if a write may go through, given the item at its key. An `update` requires an item even without a condition.
 */
export function isAllowed(write: Write, standing: Item | undefined): boolean {
  if ('update' in write && standing === undefined) return false;
  return write.when === undefined || holds(write.when, standing);
}

/** True if a write depends on the item at its key, which must then be read first. */
export function needsStanding(write: Write): boolean {
  return write.when !== undefined || 'update' in write;
}

/** The item at the key after an allowed write; undefined if there is none. */
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
  // Inherited members are never strings or numbers, so only the item's own attributes can be equal.
  return standing.attributes[condition.attribute] === condition.value;
}
