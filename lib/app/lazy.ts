/**
 * Makes a value the first time it is asked for, and keeps it. A failure is not kept: the next call tries again, so one bad
 * moment does not last as long as the process.
 */
export function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
