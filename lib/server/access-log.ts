import { SealtrailError } from '../log/error.ts';

/** One line of the access log. It says nothing of what events hold, and no secret. */
export interface AccessEntry {
  /** RFC 3339, when the answer was out. */
  readonly at: string;
  readonly requestId: string;
  readonly method: string;
  /** Without the query and with `{id}` in place of ids, which may name people. */
  readonly path: string;
  /** What was answered; 0 where nobody was there any more to answer. */
  readonly status: number;
  readonly ms: number;
  /** Bytes of the request's body as sent, as far as it was read. */
  readonly bytes: number;
  readonly principal?: string;
  /** Why it was refused or failed; for the operator alone. */
  readonly reason?: string;
}

/** Causes that are followed, so that a circle of them ends. */
const MAX_CAUSES = 5;

/**
 * Why a request was refused or failed, for the operator's log. Of an error of the caller's it tells the code and the
 * field and nothing more, because messages may quote what was sent.
 */
export function reasonOf(error: unknown, status: number): string {
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
  // What JSON.parse complains of it quotes, and that may be what an event says.
  return error instanceof SyntaxError ? error.name : String(error);
}
