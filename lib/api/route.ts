import type * as z from 'zod';
import type { ApiRequest, ApiResponse } from './http.ts';
import type { Services } from './services.ts';

/** Answers a request by the services that it needs. */
export type Handler<Needs> = (
  services: Needs,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
) => Promise<ApiResponse>;

/** A route and what the OpenAPI description says of it. */
export interface Route<Needs = Services> {
  readonly method: 'GET' | 'POST';
  /** With `{parameters}`, each of which matches one segment. */
  readonly path: string;
  readonly handler: Handler<Needs>;
  readonly summary: string;
  /** Query parameters. */
  readonly query?: readonly string[];
  /** Request headers besides those of every request. */
  readonly headers?: readonly string[];
  /** A JSON body that may be sent; the events of an append are described apart. */
  readonly body?: z.ZodType;
  /** Answers that are not problems: a schema for JSON, or the media type of something else. */
  readonly answers: Readonly<Record<number, z.ZodType | string>>;
  /** Media types besides JSON that the parameter `format` can ask for. */
  readonly formats?: readonly string[];
}
