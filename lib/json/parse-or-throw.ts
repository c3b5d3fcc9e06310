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
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new RangeError('zod refused a value without an issue');
  const path = stepsOf(issue);
  if (issue.code === 'unrecognized_keys')
    throw errorAt(code, pathOf([...path, ...issue.keys.slice(0, 1)]), unknownAmong(schema, path));
  throw errorAt(code, pathOf(path), issue.message);
}

/**
 * A schema's first complaint, for errors that say more than {@link parseOrThrow}'s, such as the name of a file.
 *
 * @returns `field` is empty where the whole value is at fault; `text` names the field and says what is wrong with it
 */
export function firstIssue({ issues: [issue] }: z.ZodError): { readonly field: string; readonly text: string } {
  if (issue === undefined) throw new RangeError('zod refused a value without an issue');
  const field = fieldPath(stepsOf(issue));
  return { field, text: field === '' ? issue.message : `${field}: ${issue.message}` };
}

const stepsOf = ({ path }: z.core.$ZodIssue): Step[] =>
  path.map((step) => (typeof step === 'symbol' ? String(step) : step));

/** @returns the message about an unknown member: with the known ones, where the member is of the outermost object */
function unknownAmong(schema: z.ZodType, path: readonly Step[]): string {
  const isOutermost = path.length === 0 && schema instanceof z.ZodObject;
  return isOutermost ? `is not known; there are ${Object.keys(schema.shape).join(', ')}` : 'is not known';
}
