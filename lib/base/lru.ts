/**
 * A cache of the most recently used values, up to a total weight.
 *
 * @example
 * const keys = new Lru<KeyObject>(1_000);
 * keys.set('AKIA/20260731', key);
 */
export class Lru<V> {
  readonly #max: number;
  /** A Map iterates in insertion order: the least recently used comes first. */
  readonly #entries = new Map<string, { readonly value: V; readonly weight: number }>();
  #weight = 0;

  /** @param max maximum total weight; values have weight 1 by default, which makes it their number */
  constructor(max: number) {
    if (!(max >= 0)) throw new RangeError(`a cache cannot keep ${max}`);
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Returns a value, which becomes the most recently used. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Caches a value, and evicts the least recently used ones to make room. A value above the maximum is not cached. */
  set(key: string, value: V, weight = 1): void {
    this.delete(key);
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#max) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
