import * as z from 'zod';
import { parseOrThrow } from '../../json/parse-or-throw.ts';
import { SealtrailError } from '../../log/error.ts';

/** The output of a schema, in which missing members are absent, never undefined. */
export type Parsed<Schema extends z.ZodType> = {
  [Name in keyof z.output<Schema>]: Exclude<z.output<Schema>[Name], undefined>;
};

/**
 * Parses parameters by an object schema with a member for each. A member that is an array takes every value of its
 * parameter; any other parameter may occur once.
 *
 * @throws `invalid_parameter` with the parameter as field if it is unknown, repeated or refused by its schema
 *
 * @example
 * parseParameters(z.strictObject({ size: wholeNumber.optional() }), new URLSearchParams('size=3')); // { size: 3 }
 */
export function parseParameters<Schema extends z.ZodObject>(schema: Schema, given: URLSearchParams): Parsed<Schema> {
  const known = Object.keys(schema.shape);
  for (const name of given.keys()) {
    if (!known.includes(name)) throw invalidParameter(shortened(name), unknownAmong(known));
  }
  const values: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(schema.shape)) {
    const all = given.getAll(name);
    if (isRepeatable(member)) {
      if (all.length > 0 || !(member instanceof z.ZodOptional)) values[name] = all;
    } else if (all.length > 1) throw invalidParameter(name, 'may come only once');
    else if (all.length === 1) values[name] = all[0];
    else if (!(member instanceof z.ZodOptional || member instanceof z.ZodDefault)) {
      throw invalidParameter(name, 'is missing');
    }
  }
  const parsed = parseOrThrow(schema, values, 'invalid_parameter', (path) => path.slice(0, 1));
  // The cast: no member's output is undefined, and missing parameters are not in the output.
  return parsed as Parsed<Schema>;
}

/** True if a parameter may be repeated. */
export function isRepeatable(member: z.core.$ZodType): boolean {
  const inner = member instanceof z.ZodOptional ? member.unwrap() : member;
  return inner instanceof z.ZodArray;
}

export const invalidParameter = (field: string, message: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${field}: ${message}`, { field });

const unknownAmong = (known: readonly string[]): string =>
  known.length === 0 ? 'there are no parameters here' : `is not known; there are ${known.join(', ')}`;

/** Keeps hostile names from making messages long. */
const shortened = (name: string): string => (name.length > 64 ? `${name.slice(0, 64).toWellFormed()}…` : name);
