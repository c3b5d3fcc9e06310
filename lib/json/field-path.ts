import { type ErrorCode, SealtrailError } from '../log/error.ts';

/** A step into JSON: the name of a member, or the 0-based index of an element. */
export type Step = string | number;

/** Names that are written without quotes. */
const PLAIN = /^[A-Za-z_$][\w$-]*$/;
/** Hostile names must not make messages long. */
const MAX_NAME = 128;

/**
 * The path of a field as errors and `redacted` name it: `events[3].details.items[0].token`; a name that is not a plain
 * word is quoted, `details["a.b"]`, so a path means one place only. Names over 128 characters are cut.
 */
export function fieldPath(steps: readonly Step[]): string {
  let path = '';
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (PLAIN.test(step) && step.length <= MAX_NAME) path += path === '' ? step : `.${step}`;
    else path += `[${JSON.stringify(step.length > MAX_NAME ? `${step.slice(0, MAX_NAME).toWellFormed()}…` : step)}]`;
  }
  return path;
}

/** An error about the field at a path; about the whole, where the path is empty. */
export function errorAt(code: ErrorCode, steps: readonly Step[], message: string, cause?: unknown): SealtrailError {
  const field = fieldPath(steps);
  return field === ''
    ? new SealtrailError(code, message, { cause })
    : new SealtrailError(code, `${field}: ${message}`, { cause, field });
}
