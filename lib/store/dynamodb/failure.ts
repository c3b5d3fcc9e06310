import { TransactionCanceledException as Canceled, type TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { SealtrailError } from '../../log/error.ts';
import { MAX_ITEM_BYTES } from '../limits.ts';
import type { Outcome } from '../ports.ts';
import { isRefusal } from './attempts.ts';
import { fromDynamo } from './item.ts';

/** What DynamoDB says when it is asked too much (DynamoDB developer guide, "Error handling"). */
const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
/** Passing clashes with other transactions: the same request may go through at once. */
const CLASHES = new Set(['TransactionConflict', 'TransactionConflictException']);

/**
 * What a failed transaction means: an outcome, an error for the caller, or a reason to send it again: `anew`, since it was
 * cancelled, or `same`, as a repetition of the one that is under way.
 */
export type Failure = { readonly outcome: Outcome } | { readonly again: 'anew' | 'same' } | { readonly error: Error };

/**
 * Reads the failure of a TransactWriteItems request.
 *
 * @param lost whether an attempt under the same ClientRequestToken ended without DynamoDB's word on it. A cancellation is that
 *   word: had one attempt been committed, its token would have brought a success. A throttle is none.
 */
export function transactFailure(cause: unknown, lost: boolean): Failure {
  if (cause instanceof Canceled) return cancellation(cause);
  if (nameOf(cause) === 'TransactionInProgressException') return { again: 'same' };
  if (CLASHES.has(nameOf(cause)) && !lost) return { again: 'anew' };
  return { error: lost ? outcomeUnknown(cause) : requestFailure(cause, 'written') };
}

/** What to tell the caller when there is no more patience. */
export function exhausted(again: 'anew' | 'same', cause: unknown): SealtrailError {
  if (again === 'same') return outcomeUnknown(cause);
  return new SealtrailError('throttled', 'the transaction kept clashing with others', { cause, retryAfter: 1 });
}

/** DynamoDB gives one reason per write, `None` for those that were not at fault. */
function cancellation(cause: TransactionCanceledException): Failure {
  const reasons = cause.CancellationReasons ?? [];
  const codes = reasons.map(({ Code = 'None' }) => Code);
  // A clash may hide a failed condition: only the answer of an undisturbed try is whole.
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
 * The failure of a request as an error of ours.
 *
 * @param what whether something may have been `written`, so that a lost answer leaves the outcome open, or it was only `read`
 */
export function requestFailure(cause: unknown, what: 'written' | 'read'): Error {
  const name = nameOf(cause);
  if (THROTTLES.has(name)) return throttled(cause);
  if (isRefusal(cause)) {
    if (name === 'ValidationException') return refusal(`a request: ${messageOf(cause)}`, cause);
    // No such table, no such permission, wrong credentials: nothing was done, and somebody has to look.
    return unavailable(`DynamoDB refused a request: ${name}`, cause);
  }
  // A server error, or no answer at all.
  if (what === 'read') return unavailable('DynamoDB did not answer', cause);
  return outcomeUnknown(cause);
}

/** What no retry makes right. The size of an updated item is known to DynamoDB alone, so this limit shows itself here. */
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
