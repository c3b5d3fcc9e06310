import { defineConfig } from 'vitest/config';

const NOT_HERE = ['test/**/*.aws.test.ts'];
const STACK = 'test/stack/**/*.test.ts';

export default defineConfig({
  test: {
    // Real files, sockets and child processes: generous for slow machines, still finite.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores is the smallest machine the suite is meant for.
    maxWorkers: 2,
    globalSetup: 'test/temporary-folder.ts',
    projects: [
      { extends: true, test: { name: 'log', include: ['test/**/*.test.ts'], exclude: [STACK, ...NOT_HERE] } },
      // To load the CDK takes as long as to use it, and its files replace nothing that others could miss.
      { extends: true, test: { name: 'stack', include: [STACK], exclude: NOT_HERE, isolate: false } },
    ],
  },
});
