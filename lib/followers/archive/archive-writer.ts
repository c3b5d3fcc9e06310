import { segmentName } from '../../log/archive.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Objects, Retention } from '../../store/ports.ts';
import { holdsSegment, packSegment, type Segment } from './segment.ts';

/** Writes under way at once: an object store answers slowly, but many at a time. */
const MAX_WRITES = 8;
/** Uncompressed bytes under way at once; a single larger object still goes alone. */
const MAX_BYTES = 32_000_000;

/**
 * Puts a run's objects into the archive, several at once. Their order among themselves does not matter; what has to
 * come after them awaits {@link ArchiveWriter.settle} first.
 */
export class ArchiveWriter {
  readonly #objects: Objects;
  readonly #trail: string;
  readonly #retention: Retention | undefined;
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @param retention how long the objects are locked; undefined: not at all */
  constructor(objects: Objects, trail: string, retention: Retention | undefined) {
    this.#objects = objects;
    this.#trail = trail;
    this.#retention = retention;
  }

  /**
   * Begins to put an object. Resolves once there is room for another one, which may be before this one is stored.
   *
   * @throws what an earlier put failed with
   */
  put(name: string, bytes: Uint8Array): Promise<void> {
    return this.#begin(bytes.length, () => putOnce(this.#objects, name, bytes, this.#retention));
  }

  /** Begins to pack and put a segment of the trail. Like {@link put}. */
  putSegment(segment: Segment): Promise<void> {
    return this.#begin(segment.raw.length, () => this.#storeSegment(segment));
  }

  /** Resolves once all objects so far are stored. @throws the first failure, after the others have come to an end */
  async settle(): Promise<void> {
    await this.idle();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves once no write is under way, whatever has become of them. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #begin(bytes: number, work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= MAX_WRITES || (this.#running.size > 0 && this.#bytes + bytes > MAX_BYTES)) {
      await Promise.race(this.#running);
    }
    if (this.#failure !== undefined) return this.settle();
    this.#bytes += bytes;
    const running = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#bytes -= bytes;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  async #storeSegment({ first, last, receivedAt, raw }: Segment): Promise<void> {
    const name = segmentName(this.#trail, receivedAt, first, last);
    try {
      await putOnce(this.#objects, name, await packSegment(raw), this.#retention);
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'object_differs') throw error;
      const stored = await this.#objects.get(name);
      if (stored === undefined || !(await holdsSegment(stored, raw))) throw error;
    }
  }
}

/**
 * Puts one object that must not exist yet, or must hold the same bytes.
 *
 * @throws `object_differs`, naming the key: an alarm. The log writes the same bytes under a name or nothing, so these
 *   were written by someone else, and they stay where they are as evidence.
 */
export async function putOnce(
  objects: Objects,
  name: string,
  bytes: Uint8Array,
  retention: Retention | undefined,
): Promise<void> {
  try {
    await objects.put(name, bytes, retention);
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'object_differs') throw error;
    const message = `${name} holds other bytes than the log has for it: it was written by someone else, and left as it is`;
    throw new SealtrailError('object_differs', message, { cause: error });
  }
}
