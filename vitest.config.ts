import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const TESTS = 'test/**/*.test.ts';
const AWS = 'test/**/*.aws.test.ts';
/** Slow by nature, such as those that kill processes: vitest.slow.config.ts. */
const SLOW = 'test/**/*.slow.test.ts';

/** Tests that replace a module or a client's calls, or set what a module reads as it is loaded: each needs modules of its own. */
const REPLACING = globSync(TESTS, { exclude: [SLOW] }).filter((file) =>
  /\b(vi\.(mock|doMock|hoisted)|mockClient)\(/.test(readFileSync(file, 'utf8')),
);

export default defineConfig({
  test: {
    // Real files, sockets and child processes: generous for slow machines, still finite.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // Two cores is the smallest machine the suite is meant for.
    maxWorkers: 2,
    // Whatever a test stubs is as it was before the next, which may be one of another file.
    unstubEnvs: true,
    unstubGlobals: true,
    restoreMocks: true,
    globalSetup: 'test/temporary-folder.ts',
    projects: [
      // To load all modules anew for each file takes a quarter of the time of the whole suite.
      { extends: true, test: { name: 'shared', include: [TESTS], exclude: [AWS, SLOW, ...REPLACING], isolate: false } },
      { extends: true, test: { name: 'isolated', include: REPLACING } },
    ],
  },
});
