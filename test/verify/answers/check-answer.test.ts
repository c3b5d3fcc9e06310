import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIMENSIONS } from '../../../lib/contract/dimensions.ts';
import { checkAnswer } from '../../../lib/verify/answers/check-answer.ts';
import { checkPages } from '../../../lib/verify/answers/check-pages.ts';
import { allRecords, ask, isMatch, START, someEvent, someFilters } from '../../query/fixture.ts';
import { ProvenTrail } from './fixture.ts';

/** Whatever is asked, the proof of its answer holds, and what it proves is what a scan of every record finds. */

const someHistory = fc.array(
  fc.oneof(fc.array(someEvent, { minLength: 1, maxLength: 12 }), fc.constant('index' as const)),
  { minLength: 1, maxLength: 40, size: 'max' },
);

const someQuestion = fc.record({
  filters: someFilters,
  from: fc.option(fc.integer({ min: -1, max: 20 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 30 }),
  order: fc.constantFrom('newest' as const, 'oldest' as const),
});

describe('the proof of an answer', () => {
  it('holds, and proves what a scan finds, on every page, in any state of the index', async () => {
    await fc.assert(
      fc.asyncProperty(someHistory, someQuestion, async (history, { from, to, ...question }) => {
        const trail = new ProvenTrail();
        let at = START;
        await trail.append([{}], at);
        for (const deed of history) {
          at += 300_000;
          if (deed === 'index') await trail.index();
          else await trail.append(deed, at);
        }
        const trust = await trail.trust();
        const query = ask(question.filters, {
          order: question.order,
          limit: question.limit,
          ...(from === undefined ? {} : { from: START + from * 600_000 }),
          ...(to === undefined ? {} : { to: START + to * 600_000 }),
        });
        const pages = await trail.proofs(query);
        const proven = pages.map(({ proof }) => checkAnswer(proof, trust));
        const found = proven.flatMap(({ records }) => (query.order === 'newest' ? records.toReversed() : records));
        expect(found).toEqual(pages.flatMap(({ lines }) => lines));
        const expected = (await allRecords(trail.table)).filter(({ record }) => isMatch(record, query));
        expect(found.toSorted()).toEqual(expected.map(({ line }) => line).toSorted());
        const [first, last] = query.order === 'newest' ? [proven.at(-1), proven[0]] : [proven[0], proven.at(-1)];
        expect([first?.isFromStart, last?.isToEnd]).toEqual([true, true]);
        for (const [n, page] of proven.slice(1).entries()) {
          const before = proven[n]?.range;
          expect(query.order === 'newest' ? page.range.to : page.range.from).toBe(
            query.order === 'newest' ? before?.from : before?.to,
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  it('holds for more hits in one run than are read together, and more than one page', async () => {
    const trail = new ProvenTrail();
    await trail.append(
      Array.from({ length: 3000 }, (_, i) => ({ id: `e-${i}`, actor: { id: i % 2 === 0 ? 'alice' : 'bob' } })),
    );
    await trail.index();
    for (const [limit, pages] of [
      [1000, 2],
      [70, 22],
    ] as const) {
      const found = await trail.proofs(ask({ actor: ['alice'] }, { limit }));
      expect(found).toHaveLength(pages);
      const proven = checkPages(
        found.map(({ proof }) => proof),
        await trail.trust(),
      );
      expect(proven.records).toHaveLength(1500);
      expect(proven).toMatchObject({ range: { from: 0, to: 3000 }, isFromStart: true, isToEnd: true });
    }
  });

  it('shows that there is nothing, in a few kilobytes', async () => {
    const trail = new ProvenTrail();
    for (let n = 0; n < 20; n++) {
      await trail.append(
        Array.from({ length: 100 }, (_, i) => ({ id: `e-${n}-${i}`, actor: { id: `actor-${i}` } })),
        START + n,
      );
    }
    await trail.index();
    for (const name of DIMENSIONS) {
      const [page] = await trail.proofs(ask({ [name]: ['nobody'] }));
      const proven = checkAnswer(page?.proof, await trail.trust());
      expect(proven).toMatchObject({ records: [], range: { from: 0, to: 2000 }, indexed: 2000 });
      expect(proven).toMatchObject({ isFromStart: true, isToEnd: true });
      expect(JSON.stringify(page?.proof).length).toBeLessThan(6000);
    }
  });
});
