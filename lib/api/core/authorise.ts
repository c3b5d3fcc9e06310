import * as z from 'zod';
import { SealtrailError } from '../../log/error.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { ApiRequest } from './http.ts';
import { parseParameters } from './parameters.ts';
import type { Action, Principal } from './principal.ts';

/**
 * The permission that a route requires, and on which trails. A caller needs one of `anyOf`
 *
 * - `path`: on the trail that the path names
 * - `query`: on every trail that the query parameter `trail` names; the response covers no others
 * - `answer`: on each trail in the response
 * - `nothing`: none, and no signature either, since the response is the same for all callers
 */
export type Access = PathAccess | OtherAccess;
export type PathAccess = { readonly on: 'path'; readonly anyOf: AnyOf };
export type OtherAccess = { readonly on: 'query' | 'answer'; readonly anyOf: AnyOf } | { readonly on: 'nothing' };
type AnyOf = readonly [Action, ...Action[]];

/** The actions any of which suffices; empty if none is needed. */
const actionsOf = (access: Access): readonly Action[] => (access.on === 'nothing' ? [] : access.anyOf);

/** True if a caller has access to a trail. */
export const mayAccess = (access: Access, principal: Principal, trail: string): boolean =>
  actionsOf(access).some((action) => principal.may(action, trail));

/**
 * Authorises a request before anything else of it is examined. Callers without the right get the same response whether or
 * not a trail exists.
 *
 * @param query the route's schema, with the parameter `trail` if access is by `query`
 * @throws `invalid_trail`; `invalid_parameter` if too many or too few trails are named; `forbidden`
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
    // Does not say which: only readers of a trail may know that it exists.
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
