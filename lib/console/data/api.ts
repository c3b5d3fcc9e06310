import { isObject, parseJson } from '../../log/json.ts';

/** Why the log did not answer, in its own words (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** An answer of the log. */
export interface Answer {
  readonly text: string;
  readonly headers: Headers;
}

/** The API of a log, at the origin that the page came from. */
export class Api {
  readonly #base: string;

  /** @param base of the address, without a slash at its end */
  constructor(base: string) {
    this.#base = base;
  }

  /** @throws ApiError */
  async get(path: string, query: readonly (readonly [string, string])[] = [], signal?: AbortSignal): Promise<Answer> {
    const search = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value]))
      .toString()
      .replaceAll('+', '%20');
    return this.#send(search === '' ? path : `${path}?${search}`, { ...(signal && { signal }) });
  }

  /** @throws ApiError */
  async json(path: string, query?: readonly (readonly [string, string])[], signal?: AbortSignal): Promise<unknown> {
    return parseJson((await this.get(path, query, signal)).text);
  }

  /** @throws ApiError */
  async post(path: string, body: unknown): Promise<unknown> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
    return parseJson((await this.#send(path, { method: 'POST', headers, body: JSON.stringify(body) })).text);
  }

  async #send(target: string, init: RequestInit): Promise<Answer> {
    let response: Response;
    try {
      response = await fetch(this.#base + target, { ...init, redirect: 'error' });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new ApiError(0, 'unreachable', 'the log cannot be reached');
    }
    const text = await response.text();
    if (!response.ok) throw problemOf(response.status, text);
    return { text, headers: response.headers };
  }
}

function problemOf(status: number, text: string): ApiError {
  try {
    const problem = parseJson(text);
    if (isObject(problem) && typeof problem.code === 'string') {
      return new ApiError(status, problem.code, String(problem.detail ?? problem.title ?? problem.code));
    }
  } catch {
    // Something before the log answered: what it says is not for people.
  }
  return new ApiError(status, 'unavailable', `the log answered with status ${status}`);
}
