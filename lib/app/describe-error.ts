import { SealtrailError } from '../log/error.ts';

/** Maximum causes to follow, in case they form a circle. */
const MAX_CAUSES = 5;

/**
 * Describes an error for the operator's log. For a caller's error it gives only the code and the field, because messages may
 * quote the request.
 *
 * @param status the HTTP status of the response; 500 for background work
 */
export function describeError(error: unknown, status = 500): string {
  const isCallers = error instanceof SealtrailError && status >= 400 && status < 500;
  if (isCallers && error.code !== 'unauthenticated') {
    return error.field === undefined ? error.code : `${error.code} (${error.field.slice(0, 128)})`;
  }
  const parts: string[] = [];
  for (let at = error; at !== undefined && parts.length < MAX_CAUSES; at = at instanceof Error ? at.cause : undefined) {
    parts.push(sentenceOn(at));
  }
  return parts.join(' <- ');
}

function sentenceOn(error: unknown): string {
  if (error instanceof SealtrailError) return `${error.code}: ${error.message}`;
  // JSON.parse quotes its input, which may be part of an event.
  return error instanceof SyntaxError ? error.name : String(error);
}
