/**
 * Makes something once and keeps it, unless making it failed: then the next caller tries again, and does not inherit the
 * failure for as long as the function's instance lives.
 */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}
