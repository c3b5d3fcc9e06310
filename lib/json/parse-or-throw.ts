import * as z from 'zod';
import type { ErrorCode } from '../log/error.ts';
import { errorAt, fieldPath, type Step } from './field-path.ts';

/**
 * Parses a value, or throws the schema's first complaint with the path of the field at fault: the one way in which zod's
 * issues become errors of ours.
 *
 * @param pathOf maps the path of an issue to the path that the error names
 * @throws the code, with the field unless the whole value is at fault
 *
 * @example
 * parseOrThrow(z.strictObject({ held: z.boolean() }), { held: 1 }, 'invalid_parameter'); // throws with the field `held`
 */
export function parseOrThrow<T>(
  schema: z.ZodType<T>,
  value: unknown,
  code: ErrorCode,
  pathOf: (path: readonly Step[]) => readonly Step[] = (path) => path,
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, unknown, message } = firstIssue(parsed.error);
  if (unknown === undefined) throw errorAt(code, pathOf(path), message);
  throw errorAt(code, pathOf([...path, unknown]), unknownAmong(schema, path));
}

/** The first thing that a schema found wrong. */
export interface Issue {
  /** The path of the value at fault, or of the object that has an unknown member. */
  readonly path: readonly Step[];
  /** The member that the schema does not know, if that is what is wrong. */
  readonly unknown?: string;
  readonly message: string;
}

/** A schema's first complaint, for errors that say more than {@link parseOrThrow}'s. */
export function firstIssue({ issues: [issue] }: z.ZodError): Issue {
  if (issue === undefined) throw new RangeError('zod refused a value without an issue');
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const { message } = issue;
  return issue.code === 'unrecognized_keys' ? { path, unknown: issue.keys[0] ?? '', message } : { path, message };
}

/** A complaint as text that names the field, such as `trails[0].pii: …`. `field` is empty if the whole value is at fault. */
export function issueText(error: z.ZodError): { readonly field: string; readonly text: string } {
  const { path, message } = firstIssue(error);
  const field = fieldPath(path);
  return { field, text: field === '' ? message : `${field}: ${message}` };
}

/** @returns the message about an unknown member: with the known ones, where the member is of the outermost object */
function unknownAmong(schema: z.ZodType, path: readonly Step[]): string {
  const isOutermost = path.length === 0 && schema instanceof z.ZodObject;
  return isOutermost ? `is not known; there are ${Object.keys(schema.shape).join(', ')}` : 'is not known';
}
