import type * as z from 'zod';

/**
 * A schema for every member of T, optional ones included: `z.strictObject({ … } satisfies Shape<T>)` does not compile with
 * a member too few, too many or of another type.
 */
export type Shape<T> = { readonly [K in keyof Required<T>]: z.ZodType<T[K]> };
