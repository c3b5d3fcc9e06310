import { LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { limits } from '../aws-clients.ts';

/**
 * The longest that an API function may take. A `LambdaFunction` times out earlier: at this limit the SDK would retry, and
 * the function would run twice at once.
 */
const LAMBDA = limits(1_000, 30_000);

/**
 * A Lambda client for `LambdaFunction`. Kept apart because only functions use it, from their bundles; the package does not
 * need it.
 */
export const lambdaClient = (config: LambdaClientConfig = {}): LambdaClient =>
  new LambdaClient({ maxAttempts: 3, requestHandler: LAMBDA, ...config });
