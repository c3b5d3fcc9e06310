import type { Credentials } from './http.ts';

/** Which credentials, where the environment is not to decide. */
export interface CredentialChoice {
  readonly profile?: string;
  /** The file with the profiles. */
  readonly filepath?: string;
}

/**
 * The AWS SDK's chain of credential providers, loaded when it is needed and asked again when credentials expire.
 *
 * @throws what the chain throws, naming the profile that was asked for: the SDK does not say it
 */
export function credentialChain(choice: CredentialChoice = {}): () => Promise<Credentials> {
  const profile = choice.profile ?? process.env.AWS_PROFILE;
  let chain: Promise<() => Promise<Credentials>> | undefined;
  return async () => {
    try {
      chain ??= import('@aws-sdk/credential-provider-node').then(({ defaultProvider }) => defaultProvider(choice));
      return await (await chain)();
    } catch (cause) {
      if (profile === undefined || !(cause instanceof Error)) throw cause;
      throw new Error(`profile ${profile}: ${cause.message}`, { cause });
    }
  };
}
