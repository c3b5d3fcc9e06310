import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.aws.test.ts'],
    // Real files, sockets and child processes: generous for slow machines, still finite.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores is the smallest machine the suite is meant for.
    maxWorkers: 2,
  },
});
