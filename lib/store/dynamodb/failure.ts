import { TransactionCanceledException as Canceled, type TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { SealtrailError } from '../../log/error.ts';
import { MAX_ITEM_BYTES } from '../limits.ts';
import type { Outcome } from '../ports.ts';
import { isRefusal } from './attempts.ts';
import { fromDynamo } from './item.ts';

/** DynamoDB's throttling errors (DynamoDB developer guide, "Error handling"). */
const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
/** Transient clashes with other transactions: a retry may succeed at once. */
const CLASHES = new Set(['TransactionConflict', 'TransactionConflictException']);

/**
 * The meaning of a failed transaction: an outcome, an error for the caller, or a reason to send it again: `anew` since it
 * was cancelled, or the `same` since it is still in progress.
 */
export type Failure = { readonly outcome: Outcome } | { readonly again: 'anew' | 'same' } | { readonly error: Error };

/**
 * Classifies the failure of a TransactWriteItems request.
 *
 * @param lost whether an attempt under the same ClientRequestToken ended without a response. A cancellation settles such
 *   an attempt, since its token would have brought a success had it been committed; a throttle does not.
 */
export function transactFailure(cause: unknown, lost: boolean): Failure {
  if (cause instanceof Canceled) return cancellation(cause);
  if (nameOf(cause) === 'TransactionInProgressException') return { again: 'same' };
  if (CLASHES.has(nameOf(cause)) && !lost) return { again: 'anew' };
  return { error: lost ? outcomeUnknown(cause) : requestFailure(cause, 'written') };
}

/** The error for the caller once all attempts are used up. */
export function exhausted(again: 'anew' | 'same', cause: unknown): SealtrailError {
  if (again === 'same') return outcomeUnknown(cause);
  return new SealtrailError('throttled', 'the transaction kept clashing with others', { cause, retryAfter: 1 });
}

/** DynamoDB gives one reason per write: `None` for those not at fault. */
function cancellation(cause: TransactionCanceledException): Failure {
  const reasons = cause.CancellationReasons ?? [];
  const codes = reasons.map(({ Code = 'None' }) => Code);
  // A clash may hide a failed condition: only an undisturbed attempt reports all of them.
  if (codes.some((code) => CLASHES.has(code))) return { again: 'anew' };
  if (codes.some((code) => THROTTLES.has(code))) return { error: throttled(cause) };
  const write = reasons.findIndex(({ Code = 'None' }) => Code !== 'None' && Code !== 'ConditionalCheckFailed');
  if (write >= 0) return { error: refusal(`write ${write}: ${reasons[write]?.Message ?? codes[write]}`, cause) };
  const failed = reasons.flatMap(({ Code, Item }, write) => {
    if (Code !== 'ConditionalCheckFailed') return [];
    return [Item === undefined || Object.keys(Item).length === 0 ? { write } : { write, item: fromDynamo(Item) }];
  });
  if (failed.length === 0) return { error: unavailable('DynamoDB cancelled a transaction without a reason', cause) };
  return { outcome: { committed: false, failed } };
}

/**
 * Converts the failure of a request to a SealtrailError.
 *
 * @param what `written` if the outcome is unknown after a lost response, `read` if nothing can have changed
 */
export function requestFailure(cause: unknown, what: 'written' | 'read'): Error {
  const name = nameOf(cause);
  if (THROTTLES.has(name)) return throttled(cause);
  if (isRefusal(cause)) {
    if (name === 'ValidationException') return refusal(`a request: ${messageOf(cause)}`, cause);
    // No such table, no permission, wrong credentials: nothing was done, and an operator must step in.
    return unavailable(`DynamoDB refused a request: ${name}`, cause);
  }
  // A server error, or no response at all.
  if (what === 'read') return unavailable('DynamoDB did not answer', cause);
  return outcomeUnknown(cause);
}

/** An error that no retry mends. Only DynamoDB knows the size of an updated item, so that limit surfaces here. */
function refusal(what: string, cause: unknown): RangeError {
  const limit = /item size/i.test(what) ? ` (an item holds at most ${MAX_ITEM_BYTES} bytes)` : '';
  return new RangeError(`DynamoDB refused ${what}${limit}`, { cause });
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

function outcomeUnknown(cause: unknown): SealtrailError {
  const message = 'DynamoDB did not say whether a transaction was committed';
  return new SealtrailError('outcome_unknown', message, { cause, retryAfter: 1 });
}

const throttled = (cause: unknown): SealtrailError =>
  new SealtrailError('throttled', 'DynamoDB is busy', { cause, retryAfter: 1 });

const unavailable = (message: string, cause: unknown): SealtrailError =>
  new SealtrailError('unavailable', message, { cause, retryAfter: 1 });
