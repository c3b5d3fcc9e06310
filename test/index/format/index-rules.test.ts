import { afterEach, expect, it, vi } from 'vitest';

/** An index says by its digest which definitions it was built by: a change of any one of them is another digest, and a rebuild. */

const DIMENSIONS = '../../../lib/contract/dimensions.ts';
const SUMMARY = '../../../lib/contract/summary.ts';
const rules = async (): Promise<string> => (await import('../../../lib/index/format/index-rules.ts')).INDEX_RULES;

afterEach(() => {
  vi.doUnmock(DIMENSIONS);
  vi.doUnmock(SUMMARY);
  vi.resetModules();
});

it.each([
  [DIMENSIONS, { DIMENSIONS: ['type'] }],
  [DIMENSIONS, { DIMENSION_RULES: 9 }],
  [SUMMARY, { COUNTED: ['type'] }],
])('changes with %s: %j', async (module, change) => {
  const now = await rules();
  vi.resetModules();
  vi.doMock(module, async (original) => ({ ...(await original<object>()), ...change }));
  expect(await rules()).not.toBe(now);
});
