/** The place, in ascending sizes, of the first that is not below `size`. */
export function placeOf(sizes: readonly number[], size: number): number {
  let low = 0;
  let high = sizes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sizes[middle] ?? 0) < size) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True if ascending sizes have one from `from` to `to`, both inclusive. */
export function hasSize(sizes: readonly number[], from: number, to: number): boolean {
  return (sizes[placeOf(sizes, from)] ?? Number.POSITIVE_INFINITY) <= to;
}
