import * as z from 'zod';
import { type ApiResponse, json } from '../core/http.ts';
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

/**
 * Answers monitors: that requests are taken, and nothing of the log. It is no route of the API, and is not described. The embedded
 * server answers the same by itself.
 */
export const getHealth = route({
  name: 'getHealth',
  method: 'GET',
  path: '/healthz',
  action: { on: 'nothing' },
  recorded: false,
  summary: 'That requests are taken. It needs no signature, and says nothing of the log.',
  replies: { 200: z.strictObject({ status: z.literal('ok') }) },
  handler: async () => json(200, { status: 'ok' }),
});
