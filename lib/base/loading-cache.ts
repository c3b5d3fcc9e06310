import { Lru } from './lru.ts';

/**
 * Values that never change, loaded when they are first asked for. Those used last are kept, up to a total weight.
 *
 * @example
 * const bundles = new LoadingCache<Bundle>(16_000_000, ({ characters }) => characters);
 * const bundle = await bundles.get(name, () => fetchBundle(name));
 */
export class LoadingCache<V> {
  readonly #kept: Lru<{ readonly value: V }>;
  readonly #weightOf: (value: V) => number | undefined;
  readonly #loading = new Map<string, Promise<V>>();

  /** @param weightOf what a value weighs; undefined: it is not kept */
  constructor(max: number, weightOf: (value: V) => number | undefined) {
    this.#kept = new Lru(max);
    this.#weightOf = weightOf;
  }

  /** The value. Callers at the same time share one load; one that fails is repeated the next time. */
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
