import { defineConfig } from 'vitest/config';

/** Tests that need something to answer for AWS: started by `npm run test:aws`. */
export default defineConfig({
  test: { include: ['test/**/*.aws.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 },
});
