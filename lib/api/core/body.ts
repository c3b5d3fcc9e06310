import type * as z from 'zod';
import { parseOrThrow } from '../../json/parse-or-throw.ts';
import { readStrictJson } from '../../json/strict.ts';
import { SealtrailError } from '../../log/error.ts';
import type { ApiRequest } from './http.ts';

/** A JSON body, which may be omitted if its schema accepts `{}`. */
export interface JsonBody<T = unknown> {
  readonly schema: z.ZodType<T>;
  readonly maxBytes: number;
  /** True if `Content-Type` must be `application/json`. */
  readonly isTyped?: true;
}

/** A body that the handler parses itself, and its JSON Schema for the API's description. */
export interface RawBody {
  readonly described: object;
}

/** Levels of objects and arrays in a JSON body. */
const MAX_DEPTH = 4;

/** @throws `unsupported_media_type`, `invalid_json`, `record_too_large`; `invalid_parameter` with the field */
export function parseBody<T>({ schema, maxBytes, isTyped }: JsonBody<T>, { body, headers }: ApiRequest): T {
  if (isTyped && headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
    const message = 'send the body with Content-Type: application/json';
    throw new SealtrailError('unsupported_media_type', message, { field: 'Content-Type' });
  }
  const isLeftOut = body.length === 0 && isOptional(schema);
  const value = isLeftOut ? {} : readStrictJson(body, { depth: MAX_DEPTH, unitBytes: maxBytes });
  return parseOrThrow(schema, value, 'invalid_parameter', (path) => (path.length === 0 ? ['body'] : path));
}

export const isOptional = (schema: z.ZodType): boolean => schema.safeParse({}).success;
