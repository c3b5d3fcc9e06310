/** One line of the access log. It says nothing of what events hold, and no secret. */
export interface AccessEntry {
  /** RFC 3339, when the answer was out. */
  readonly at: string;
  readonly requestId: string;
  readonly method: string;
  /** Without the query and with `{id}` in place of ids, which may name people. */
  readonly path: string;
  /** The status of the answer; 0 if the client disconnected. */
  readonly status: number;
  readonly ms: number;
  /** Bytes of the request's body as sent, as far as it was read. */
  readonly bytes: number;
  readonly principal?: string;
  /** Why it was refused or failed; for the operator alone. */
  readonly reason?: string;
}
