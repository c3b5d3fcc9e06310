import { DynamoDBServiceException, type TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';

/**
 * Whether a failure is DynamoDB's refusal: nothing was done. Everything else (an error of the server's, a broken connection, a
 * timeout) leaves open whether the request was carried out.
 */
export const isRefusal = (cause: unknown): boolean =>
  cause instanceof DynamoDBServiceException && cause.$fault === 'client';

/**
 * Watches the attempts that the SDK makes of one command. What it throws in the end is the last attempt's failure alone: a
 * throttle, say, after a first attempt that was carried out and whose answer was lost.
 *
 * @param onRepeat told of each attempt but the first. Must not throw.
 * @returns asks whether an attempt so far ended without DynamoDB's word on it
 */
export function watchAttempts(command: TransactWriteItemsCommand, onRepeat: () => void): () => boolean {
  let lost = false;
  let attempts = 0;
  command.middlewareStack.add(
    (next) => async (args) => {
      if (++attempts > 1) onRepeat();
      try {
        return await next(args);
      } catch (cause) {
        lost ||= !isRefusal(cause);
        throw cause;
      }
    },
    // Within the SDK's retries, which are of high priority in this step: once for each attempt.
    { step: 'finalizeRequest', priority: 'low', name: 'sealtrailWatchAttempts' },
  );
  return () => lost;
}
