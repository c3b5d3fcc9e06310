import type { ApiResponse } from '../core/http.ts';
import { type Route, route } from '../core/route.ts';

/**
 * Makes the route of the API's description.
 *
 * @param describe makes the description in JSON; called once, at the first request
 */
export function descriptionRoute(describe: () => Promise<string>): Route<unknown> {
  let response: Promise<ApiResponse> | undefined;
  const make = async (): Promise<ApiResponse> => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: await describe(),
  });
  return route({
    name: 'getDescription',
    method: 'GET',
    path: '/v1/openapi.json',
    action: { on: 'nothing' },
    recorded: false,
    summary: 'This description. It needs no signature.',
    replies: { 200: 'application/json' },
    handler: () => {
      response ??= make();
      return response;
    },
  });
}
