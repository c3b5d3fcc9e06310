import { S3ServiceException } from '@aws-sdk/client-s3';
import { SealtrailError } from '../../log/error.ts';

const THROTTLES = new Set(['SlowDown', 'ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded']);

const statusOf = (cause: unknown): number =>
  cause instanceof S3ServiceException ? (cause.$metadata.httpStatusCode ?? 0) : 0;
const nameOf = (cause: unknown): string => (cause instanceof Error ? cause.name : '');

/** The key of a put with `If-None-Match: *` has an object (S3 user guide, "Conditional writes"). */
export const isTaken = (cause: unknown): boolean => statusOf(cause) === 412;

/** Another put of the same key was in progress: S3 asks for a retry. */
export const isClash = (cause: unknown): boolean =>
  statusOf(cause) === 409 && ['ConditionalRequestConflict', 'OperationAborted'].includes(nameOf(cause));

/** There is no such object or version, or a delete marker is in its place (404, or 405 for a marker by its id). */
export const isAbsent = (cause: unknown): boolean =>
  ['NoSuchKey', 'NoSuchVersion', 'NotFound'].includes(nameOf(cause)) ||
  (statusOf(cause) === 405 && nameOf(cause) === 'MethodNotAllowed');

/** The version was never put under a hold (S3 API reference, GetObjectLegalHold). */
export const isNeverHeld = (cause: unknown): boolean => nameOf(cause) === 'NoSuchObjectLockConfiguration';

/** The range begins beyond the object's end. */
export const isBeyondEnd = (cause: unknown): boolean => statusOf(cause) === 416;

/** Converts the failure of a request to a SealtrailError. A rejected request did nothing; without a response the outcome is unknown. */
export function requestFailure(cause: unknown, what: 'read' | 'written'): SealtrailError {
  if (cause instanceof SealtrailError) return cause;
  if (THROTTLES.has(nameOf(cause)) || isClash(cause))
    return new SealtrailError('throttled', 'S3 is busy', { cause, retryAfter: 1 });
  if (cause instanceof S3ServiceException && cause.$fault === 'client') {
    return new SealtrailError('unavailable', `S3 refused a request: ${cause.name}`, { cause });
  }
  if (what === 'read') return new SealtrailError('unavailable', 'S3 did not answer', { cause, retryAfter: 1 });
  return new SealtrailError('outcome_unknown', 'S3 did not say whether an object was put', { cause, retryAfter: 1 });
}

/** Sends a request that changes something. @throws as {@link requestFailure} says */
export async function sent<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    throw requestFailure(cause, 'written');
  }
}
