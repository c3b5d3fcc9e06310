import type { ApiResponse } from './http.ts';
import type { Route } from './route.ts';

/**
 * `GET /v1/openapi.json`: the API, described.
 *
 * @param describe the description in JSON; asked for once, when somebody first wants it
 */
export function descriptionRoute(describe: () => Promise<string>): Route<unknown> {
  let answer: Promise<ApiResponse> | undefined;
  const make = async (): Promise<ApiResponse> => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: await describe(),
  });
  return {
    method: 'GET',
    path: '/v1/openapi.json',
    handler: () => {
      answer ??= make();
      return answer;
    },
    summary: 'This description.',
    answers: { 200: 'application/json' },
  };
}
