import { expect, it } from 'vitest';
import { schemaPage } from './schema-page.ts';

it('docs/schema.md says what the code does: every field, every type, every limit', async () => {
  await expect(schemaPage()).toMatchFileSnapshot('../../docs/schema.md');
});
