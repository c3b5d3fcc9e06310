import {
  TransactionCanceledException as Canceled,
  DynamoDBServiceException,
  type TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { SealtrailError } from '../../log/error.ts';
import { MAX_ITEM_BYTES } from '../limits.ts';
import type { Outcome } from '../ports.ts';
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
const CLASHES = new Set(['TransactionConflict', 'TransactionConflictException', 'TransactionInProgressException']);

/** What a failed transaction means: an outcome, a reason to send the same again, or an error for the caller. */
export type Failure = { readonly outcome: Outcome } | { readonly again: true } | { readonly error: Error };

/**
 * Reads the failure of a TransactWriteItems request. The SDK has repeated it already where that is safe: it sends a
 * ClientRequestToken, so a repetition of what went through is the same success and not a second one.
 */
export function transactFailure(cause: unknown): Failure {
  if (cause instanceof Canceled) return cancellation(cause);
  if (CLASHES.has(nameOf(cause))) return { again: true };
  return { error: requestFailure(cause, 'written') };
}

/** DynamoDB gives one reason per write, `None` for those that were not at fault. */
function cancellation(cause: TransactionCanceledException): Failure {
  const reasons = cause.CancellationReasons ?? [];
  const codes = reasons.map(({ Code = 'None' }) => Code);
  // A clash may hide a failed condition: only the answer of an undisturbed try is whole.
  if (codes.some((code) => CLASHES.has(code))) return { again: true };
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
  if (cause instanceof DynamoDBServiceException && cause.$fault === 'client') {
    if (name === 'ValidationException') return refusal(`a request: ${cause.message}`, cause);
    // No such table, no such permission, wrong credentials: nothing was done, and somebody has to look.
    return unavailable(`DynamoDB refused a request: ${name}`, cause);
  }
  // A server error, or no answer at all.
  if (what === 'read') return unavailable('DynamoDB did not answer', cause);
  const message = 'DynamoDB did not say whether a transaction was committed';
  return new SealtrailError('outcome_unknown', message, { cause, retryAfter: 1 });
}

/** What no retry makes right. The size of an updated item is known to DynamoDB alone, so this limit shows itself here. */
function refusal(what: string, cause: unknown): RangeError {
  const limit = /item size/i.test(what) ? ` (an item holds at most ${MAX_ITEM_BYTES} bytes)` : '';
  return new RangeError(`DynamoDB refused ${what}${limit}`, { cause });
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

const throttled = (cause: unknown): SealtrailError =>
  new SealtrailError('throttled', 'DynamoDB is busy', { cause, retryAfter: 1 });

const unavailable = (message: string, cause: unknown): SealtrailError =>
  new SealtrailError('unavailable', message, { cause, retryAfter: 1 });
