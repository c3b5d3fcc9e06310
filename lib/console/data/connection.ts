import type { ListedTrail } from '../../contract/replies.ts';
import { isObject } from '../../log/json.ts';
import { type Api, ApiError } from './api.ts';

/** The page's connection to the log that it came from. */
export type Connection =
  | { readonly is: 'asking' }
  | { readonly is: 'open'; readonly trails: readonly ListedTrail[] }
  | { readonly is: 'closed'; readonly why: string };

/** Asks a log for its trails. */
export async function connect(api: Api): Promise<Connection> {
  try {
    const reply = await api.json('/v1/trails');
    const trails = isObject(reply) && Array.isArray(reply.trails) ? reply.trails.filter(isListed) : [];
    return { is: 'open', trails };
  } catch (error) {
    if (error instanceof ApiError) return { is: 'closed', why: whyClosed(error) };
    throw error;
  }
}

function whyClosed({ status, message }: ApiError): string {
  if (status === 0) return 'There is no log at this address. Evidence that you hold can be verified here all the same.';
  if (status === 401 || status === 403) {
    return (
      'This log answers signed requests only, and no key belongs in a browser. Run “sealtrail console”, which signs with ' +
      'your AWS credentials and opens this page.'
    );
  }
  return `The log did not answer: ${message}`;
}

const isListed = (value: unknown): value is ListedTrail =>
  isObject(value) && typeof value.trail === 'string' && typeof value.size === 'number';
