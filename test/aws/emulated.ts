const endpoint = process.env.AWS_ENDPOINT_URL;
/**
 * Where all of AWS is, DynamoDB included, as a client's configuration. Without it the SDK finds the referee of the Table. In an
 * account the SDK finds everything by itself.
 */
export const EVERYTHING: { readonly endpoint?: string } = endpoint === undefined ? {} : { endpoint };

/** What the stack of this run is called: `vitest.aws.config.ts` sees to it that it is. */
export const STACK = process.env.SEALTRAIL_TEST_STACK ?? '';

/**
 * Whether ministack answers there, with the gaps that `gaps.aws.test.ts` writes down. `npm run test:aws` says so when it has started
 * it; anything else is held to what AWS does.
 */
export const isMinistack = process.env.SEALTRAIL_EMULATOR === 'ministack';
