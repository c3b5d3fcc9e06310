import { randomUUID } from 'node:crypto';
import type { Objects } from '../../store/ports.ts';

/** A driver under test, and how the suite opens and inspects it. */
export interface ObjectsDriver {
  /** Opens the store. Called again after `close`, it opens the same objects. */
  open(): Promise<Objects>;
  /** True if the versions that `replace` covers are kept. */
  readonly keepsVersions: boolean;
}

/** Gives each test its own prefix in the store that all share. */
export interface ObjectsUnderTest {
  readonly objects: () => Objects;
  readonly keepsVersions: boolean;
}

/** A prefix, with its final slash, that no other test uses. */
export function freshPrefix(): string {
  return `test-${randomUUID()}/`;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
