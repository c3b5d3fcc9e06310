import { expect, it } from 'vitest';
import { CATALOGUE } from '../../lib/contract/catalogue.ts';

it('the Python package knows every type of the catalogue by its other names', async () => {
  const names = CATALOGUE.flatMap(({ name, aliases }) => aliases.map((alias) => [alias, name] as const));
  const sorted = Object.fromEntries(names.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  await expect(`${JSON.stringify(sorted, null, 2)}\n`).toMatchFileSnapshot(
    '../../packages/python/src/sealtrail/aliases.json',
  );
});
