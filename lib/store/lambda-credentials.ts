import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Replaces `@aws-sdk/credential-provider-node` in the bundles: Lambda always passes credentials through the environment,
 * and the full chain would add 100 KB to each function.
 */
export const defaultProvider = fromEnv;
