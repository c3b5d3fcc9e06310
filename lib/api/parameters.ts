import { SealtrailError } from '../log/error.ts';
import { isSystemTrailName, isTrailName } from '../log/trail-name.ts';

/** The trail that a path names. @throws `invalid_trail` */
export function trailOf({ trail = '' }: Readonly<Record<string, string>>): string {
  if (isTrailName(trail) || isSystemTrailName(trail)) return trail;
  const message = 'a trail is named by 1 to 63 of a-z, 0-9 and -, the first not -';
  throw new SealtrailError('invalid_trail', message, { field: 'trail' });
}

/** A whole number from 0 on. @throws `invalid_parameter` with the field */
export function countOf(text: string, field: string): number {
  const count = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new SealtrailError('invalid_parameter', `${field}: must be a whole number`, { field });
}

/** A query parameter that may come once, as a whole number; undefined where it is missing. */
export function countIn(query: URLSearchParams, field: string): number | undefined {
  const values = query.getAll(field);
  if (values.length > 1) throw new SealtrailError('invalid_parameter', `${field}: may come only once`, { field });
  return values[0] === undefined ? undefined : countOf(values[0], field);
}
