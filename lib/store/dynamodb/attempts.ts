import { DynamoDBServiceException, type TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';

/**
 * True if DynamoDB rejected the request, so that nothing was done. After any other failure (a server error, a broken
 * connection, a timeout) it is unknown whether the request was carried out.
 */
export const isRefusal = (cause: unknown): boolean =>
  cause instanceof DynamoDBServiceException && cause.$fault === 'client';

/**
 * Watches the SDK's attempts at one command. The SDK throws only the last attempt's failure: a throttle, for example,
 * after a first attempt that was carried out but whose response was lost.
 *
 * @param onRepeat called on each attempt but the first. Must not throw.
 * @returns a function that tells whether any attempt so far ended without a response
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
    // Runs inside the SDK's retries, which have high priority in this step: once per attempt.
    { step: 'finalizeRequest', priority: 'low', name: 'sealtrailWatchAttempts' },
  );
  return () => lost;
}
