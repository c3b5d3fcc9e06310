import { LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { limits } from '../aws-clients.ts';

/**
 * The longest that a function of the API may take. A `LambdaFunction` gives up before: at this limit the SDK would ask anew, and
 * the function would do its work a second time beside the first.
 */
const LAMBDA = limits(1_000, 30_000);

/**
 * A Lambda client for `LambdaFunction`. Not among the others: only a function needs it, whose bundle has it, and the package does
 * without it.
 */
export const lambdaClient = (config: LambdaClientConfig = {}): LambdaClient =>
  new LambdaClient({ maxAttempts: 3, requestHandler: LAMBDA, ...config });
