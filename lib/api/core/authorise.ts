import * as z from 'zod';
import { SealtrailError } from '../../log/error.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { ApiRequest } from './http.ts';
import { parseParameters } from './parameters.ts';
import type { Action, Principal } from './principal.ts';

/**
 * Which action a route takes, and on which trails. A caller needs one of `anyOf`
 *
 * - `path`: on the trail that the path names
 * - `query`: on every trail that the query parameter `trail` names; the answer shows no others
 * - `answer`: on each trail that the answer shows
 * - `nothing`: none, since the answer is the same for every authenticated caller
 */
export type Access = PathAccess | OtherAccess;
export type PathAccess = { readonly on: 'path'; readonly anyOf: AnyOf };
export type OtherAccess = { readonly on: 'query' | 'answer'; readonly anyOf: AnyOf } | { readonly on: 'nothing' };
type AnyOf = readonly [Action, ...Action[]];

/** The actions of which one is enough; none where none is needed. */
const actionsOf = (access: Access): readonly Action[] => (access.on === 'nothing' ? [] : access.anyOf);

/** Whether a caller has access to a trail. */
export const mayAccess = (access: Access, principal: Principal, trail: string): boolean =>
  actionsOf(access).some((action) => principal.may(action, trail));

/**
 * Authorises a request before anything else of it is looked at. The answer to a caller without the right is the same
 * whether or not a trail exists.
 *
 * @param query the route's schema, with the parameter `trail` where access is by `query`
 * @throws `invalid_trail`; `invalid_parameter` where too many or too few trails are named; `forbidden`
 */
export function authorise(
  access: Access,
  { principal, query }: ApiRequest,
  path: Readonly<Record<string, string>>,
  schema: z.ZodObject,
): void {
  if (access.on === 'path') {
    const trail = checkedTrail(path.trail ?? '');
    if (!mayAccess(access, principal, trail)) throw forbidden(access, `on trail ${trail}`);
  }
  if (access.on === 'query') {
    const named = query.getAll('trail');
    const only = new URLSearchParams(named.map((trail): [string, string] => ['trail', trail]));
    parseParameters(z.strictObject({ trail: schema.shape.trail }), only);
    for (const trail of named) checkedTrail(trail);
    // Which of them is not said: only those who may read a trail are to know that it exists.
    if (!named.every((trail) => mayAccess(access, principal, trail))) throw forbidden(access, 'on these trails');
  }
}

function checkedTrail(trail: string): string {
  if (isTrailName(trail) || isSystemTrailName(trail)) return trail;
  const message = 'a trail is named by 1 to 63 of a-z, 0-9 and -, the first not -';
  throw new SealtrailError('invalid_trail', message, { field: 'trail' });
}

const EITHER = new Intl.ListFormat('en-GB', { type: 'disjunction' });

const forbidden = (access: Access, where: string): SealtrailError =>
  new SealtrailError('forbidden', `not allowed: ${EITHER.format(actionsOf(access))} ${where}`);
