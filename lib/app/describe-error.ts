import { SealtrailError } from '../log/error.ts';

/** Causes that are followed, so that a circle of them ends. */
const MAX_CAUSES = 5;

/**
 * Why a request was refused or failed, for the operator's log. Of a caller's error it gives the code and the field only,
 * because messages may quote what was sent.
 *
 * @param status the HTTP status that was answered; 500 for work that nobody waits for
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
  // JSON.parse quotes what it complains of, and that may be part of an event.
  return error instanceof SyntaxError ? error.name : String(error);
}
