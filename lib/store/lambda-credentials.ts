import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles: Lambda gives a function its credentials through the
 * environment, always. The whole chain would weigh 100 KB in each function.
 */
export const defaultProvider = fromEnv;
