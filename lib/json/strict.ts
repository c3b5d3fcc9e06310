import { isAscii, isUtf8 } from 'node:buffer';
import { SealtrailError } from '../log/error.ts';
import { parseJson } from '../log/json.ts';
import { Repairs, STRICT, type Tolerance } from './repairs.ts';
import { type JsonLimits, Scan } from './scan.ts';

/**
 * Reads JSON strictly: what {@link parseJson} makes of a text, but only where the text can mean nothing else.
 * Besides bad UTF-8 and bad syntax (RFC 8259) it refuses what I-JSON (RFC 7493 sections 2.1 to 2.3) refuses: a key that
 * comes twice in an object, also when it is written with other escapes; numbers that a double cannot hold (see
 * {@link isExactNumber}); strings with a lone surrogate, also an escaped one.
 *
 * A scan of the bytes checks grammar, numbers, surrogates and limits, and counts members; `JSON.parse` makes the
 * values. A key that came twice leaves fewer members in the values than the text has: only then are the bytes scanned
 * again, to find which. So good input costs no set of keys, and time is linear in the text for any input.
 *
 * Errors, each with the field where it stands: `invalid_json`; `record_too_large` for a unit over its bytes;
 * `batch_too_large` for too many units.
 */
export function readStrictJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  return readTolerantJson(bytes, limits, STRICT).value;
}

/** The value of a text, and the places that are kept in another form than they were sent. */
export interface TolerantJson {
  readonly value: unknown;
  readonly repairs: Repairs;
}

/** {@link readStrictJson}, but values that a tolerance names are kept in another form instead of refused, and listed. */
export function readTolerantJson(bytes: Uint8Array, limits: JsonLimits, tolerance: Tolerance): TolerantJson {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ascii = isAscii(buffer);
  if (!ascii && !isUtf8(buffer)) throw new SealtrailError('invalid_json', 'the body is not valid UTF-8');
  const repairs = new Repairs();
  const members = new Scan(buffer, { limits, tolerance, repairs, findDuplicates: false }).run();
  const text = repairs.count === 0 ? buffer : repairs.applied(buffer);
  let value: unknown;
  try {
    value = parseJson(text.toString(ascii ? 'latin1' : 'utf8'));
  } catch (cause) {
    throw new SealtrailError('invalid_json', 'the body is not valid JSON', { cause });
  }
  if (countMembers(value) !== members) {
    new Scan(buffer, { limits, tolerance, repairs: new Repairs(), findDuplicates: true, duplicates: repairs }).run();
  }
  return { value, repairs };
}

/** The members of all objects in a value. Its depth is bounded by the scan before. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countMembers(element);
    return count;
  }
  for (const key in value) {
    count++;
    // Just enumerated, so it is there.
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'object') count += countMembers(member);
  }
  return count;
}
