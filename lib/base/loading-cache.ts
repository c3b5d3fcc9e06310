import { Lru } from './lru.ts';

/**
 * Caches immutable values, loaded on first use. Keeps the most recently used ones, up to a total weight.
 *
 * @example
 * const bundles = new LoadingCache<Bundle>(16_000_000, ({ characters }) => characters);
 * const bundle = await bundles.get(name, () => fetchBundle(name));
 */
export class LoadingCache<V> {
  readonly #kept: Lru<{ readonly value: V }>;
  readonly #weightOf: (value: V) => number | undefined;
  readonly #loading = new Map<string, Promise<V>>();

  /** @param weightOf the weight of a value; undefined: it is not cached */
  constructor(max: number, weightOf: (value: V) => number | undefined) {
    this.#kept = new Lru(max);
    this.#weightOf = weightOf;
  }

  /** The value. Concurrent callers share one load; a failed load is retried on the next call. */
  async get(key: string, load: () => Promise<V>): Promise<V> {
    const kept = this.#kept.get(key);
    return kept === undefined ? (this.#loading.get(key) ?? this.#load(key, load)) : kept.value;
  }

  async #load(key: string, load: () => Promise<V>): Promise<V> {
    const loading = load();
    this.#loading.set(key, loading);
    try {
      const value = await loading;
      const weight = this.#weightOf(value);
      if (weight !== undefined) this.#kept.set(key, { value }, weight);
      return value;
    } finally {
      this.#loading.delete(key);
    }
  }
}
