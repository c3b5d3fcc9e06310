import canonicalize from 'canonicalize';
import { SealtrailError } from '../log/error.ts';

/**
 * The canonical JSON of a value: RFC 8785 (JCS), so that equal data gives equal bytes. Members are sorted by the UTF-16
 * code units of their names (section 3.2.3), numbers are written as ECMAScript does (3.2.2.3), nothing is escaped that
 * need not be (3.2.2.2).
 *
 * Throws `invalid_event` for what JCS cannot hold: lone surrogates (which it must refuse, section 3.2.2.2), NaN,
 * infinities, circular references and `undefined`.
 *
 * @example
 * canonicalJson({ b: 1e2, a: '\u20ac' }); // {"a":"€","b":100}
 */
export function canonicalJson(value: unknown): string {
  let json: string | undefined;
  try {
    json = canonicalize(value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SealtrailError('invalid_event', `this has no canonical JSON: ${why}`, { cause });
  }
  if (json === undefined) throw new SealtrailError('invalid_event', 'undefined has no canonical JSON');
  return json;
}
