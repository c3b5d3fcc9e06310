import { defineConfig } from 'vitest/config';

/** Tests that need something to answer for AWS. Started by themselves they would find whatever account the terminal is signed in to. */
if (process.env.SEALTRAIL_TEST_STACK === undefined) throw new Error('start these tests with npm run test:aws');

export default defineConfig({
  test: { include: ['test/**/*.aws.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 },
});
