import { describe, expect, it } from 'vitest';
import { maskValue } from '../../lib/privacy/mask.ts';
import { maskTags } from '../../lib/privacy/mask-tag.ts';
import { Queries } from '../../lib/query/queries.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { filesOf } from '../support/index-files.ts';
import { append, TRAIL } from './fixture.ts';

/** Answers say what was masked, and none gives the records of one person as those of another. */

const maskTag = maskTags(new Uint8Array(32).fill(7));
const [anna, adam] = ['anna@example.com', 'adam@example.com'];
const tagged = maskValue(anna, maskTag);
const shared = maskValue(anna);

/** Anna's and Adam's records, and one from before there were tags. */
async function asked(policy: ConstructorParameters<typeof Queries>[0]['policy'] = () => ({ pii: 'mask', maskTag })) {
  const table = new MemoryTable();
  const ids = [shared, tagged, maskValue(adam, maskTag), tagged];
  for (const id of ids) await append(table, [{ type: 'auth.login', actor: { id } }]);
  return new Queries({ table, files: filesOf(table), secret: new Uint8Array(32), policy });
}

const page = { order: 'oldest', limit: 10 } as const;

describe('a value that is masked in records', () => {
  it('is named in both forms by a page that holds them', async () => {
    const queries = await asked();
    const found = await queries.page(TRAIL, { ...page, filters: { actor: [anna] } });
    expect(found.matches.map(({ seq }) => seq)).toEqual([0, 1, 3]);
    expect(found.masked).toEqual([{ filter: 'actor', asked: anna, as: tagged, shared }]);
    const merged = await queries.readPage([TRAIL, 'other'], { ...page, filters: { actor: [anna] } });
    expect(merged.masked).toEqual(found.masked);
  });

  it('is not said to be shared where no record of the page has the shared mask', async () => {
    const found = await (await asked()).page(TRAIL, { ...page, order: 'newest', limit: 1, filters: { actor: [anna] } });
    expect(found.masked).toEqual([{ filter: 'actor', asked: anna, as: tagged }]);
  });

  it('is not mentioned where nothing was masked', async () => {
    for (const [policy, actor] of [
      [() => ({ pii: 'include' }) as const, anna],
      [undefined, 'bot-7'],
    ] as const) {
      const found = await (await asked(policy)).page(TRAIL, { ...page, filters: { actor: [actor] } });
      expect(found).not.toHaveProperty('masked');
    }
  });

  it('counts only what is certainly theirs in an activity, and names what was left out', async () => {
    const queries = await asked();
    const [hers, his] = [await queries.activity(TRAIL, anna), await queries.activity(TRAIL, adam)];
    expect(hers).toMatchObject({ total: 2, masked: { filter: 'actor', asked: anna, as: tagged, shared } });
    expect(his).toMatchObject({ total: 1, masked: { asked: adam, as: maskValue(adam, maskTag), shared } });
  });

  it('says so where the log has no tags and the mask is all there is', async () => {
    const queries = await asked(() => ({ pii: 'mask' }));
    const found = await queries.activity(TRAIL, adam);
    expect(found).toMatchObject({ total: 1, masked: { as: shared, shared } });
  });
});
