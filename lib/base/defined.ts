/** An object without the properties that are undefined. */
export type Defined<T extends object> = {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };

/**
 * Removes undefined properties, for types whose optional properties may be absent but not undefined.
 *
 * @example
 * const options = { objects, ...defined({ signal, onProgress }) };
 */
export function defined<T extends object>(properties: T): Defined<T> {
  const kept = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Defined<T>; // the rest of T, which the types of entries cannot express
}
