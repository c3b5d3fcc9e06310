import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AnswerProof, IndexProof } from '../../../lib/contract/query.ts';
import { nodeReader } from '../../../lib/ledger/tree/nodes.ts';
import { toBase64 } from '../../../lib/log/encoding.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { proveLeaves } from '../../../lib/log/multiproof.ts';
import { checkAnswer } from '../../../lib/verify/answers/check-answer.ts';
import { ANSWER_KINDS } from '../../../lib/verify/answers/wrong.ts';
import type { TrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { allRecords, ask, isMatch, type PlainRecord, START, TRAIL } from '../../query/fixture.ts';
import { ProvenTrail } from './fixture.ts';

/**
 * What someone between the log and an auditor may try, the log's own server included. Where it helps them, they make the proofs of
 * records anew, as they may have every record.
 */

const trail = new ProvenTrail();
let trust: TrustedKeys;
let proof: AnswerProof;
let index: IndexProof;
/** The same answer when fewer records were indexed. */
let earlier: AnswerProof;
let records: readonly PlainRecord[];

const block = (n: number) =>
  Array.from({ length: 40 }, (_, i) => ({
    id: `e-${n}-${i}`,
    actor: { id: (n * 40 + i) % 10 === 0 ? 'alice' : `actor-${i % 13}` },
    context: { request: `r-${n}-${i}` },
  }));
const ALICE = ask({ actor: ['alice'] });

beforeAll(async () => {
  for (let i = 0; i < 3; i++) {
    await trail.append(block(i), START + i);
    await trail.index();
  }
  await trail.append(block(0), START, 'refunds');
  await trail.index('refunds');
  earlier = (await trail.proofs(ALICE))[0]?.proof ?? expect.fail();
  // Seventeen runs merge into others; two and a tail remain.
  for (let i = 3; i < 9; i++) {
    await trail.append(block(i), START + i);
    await trail.index();
  }
  await trail.append(block(9), START + 9);
  trust = await trail.trust();
  proof = (await trail.proofs(ALICE))[0]?.proof ?? expect.fail();
  index = proof.index ?? expect.fail();
  records = (await allRecords(trail.table)).map(({ record }) => record);
});

/** What is found wrong with a proof; undefined if nothing. */
function kindOf(value: unknown): string | undefined {
  try {
    checkAnswer(value, trust);
    return undefined;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return error.field;
  }
}

/** The proof of other records, made anew. */
async function showing(lines: readonly string[], more: Partial<AnswerProof> = {}): Promise<AnswerProof> {
  const nodes = nodeReader({ table: trail.table, ledger: trail.ledger }, TRAIL);
  const seqs = lines.map((line) => JSON.parse(line).seq);
  const hashes = await proveLeaves(seqs, records.length, nodes);
  return { ...proof, records: lines, proof: toBase64(Buffer.concat(hashes)), ...more };
}

const withIndex = (change: Partial<IndexProof>): AnswerProof => ({ ...proof, index: { ...index, ...change } });
const seqOf = (line: string): number => JSON.parse(line).seq;

it('the answer as it is holds, over runs and a tail', () => {
  expect(index.runs.length).toBeGreaterThan(1);
  const proven = checkAnswer(proof, trust);
  expect(proven.records).toHaveLength(40);
  expect(proven).toMatchObject({ indexed: 360, range: { from: 0, to: 400 }, isFromStart: true, isToEnd: true });
});

const ATTACKS: Readonly<Record<string, readonly [kind: string, () => Promise<unknown> | unknown]>> = {
  'a hit is not in the answer': ['answer', () => ({ ...proof, matches: proof.matches.slice(1) })],
  'a hit of the index is left out': [
    'candidates',
    () => showing(proof.records.slice(1), { matches: proof.matches.slice(1) }),
  ],
  'a hit of the tail is left out': [
    'coverage',
    () => showing(proof.records.slice(0, -40), { matches: proof.matches.filter((seq) => seq < 360) }),
  ],
  'a record that does not pass is added': [
    'answer',
    () => ({ ...proof, matches: [...proof.matches, seqOf(proof.records.at(-1) ?? '')].sort((a, b) => a - b) }),
  ],
  'a hit is altered': [
    'records',
    () => ({ ...proof, records: proof.records.map((line, n) => (n === 1 ? line.replace('e-0-10', 'e-0-11') : line)) }),
  ],
  'a hit is moved to another trail': [
    'records',
    () => ({ ...proof, records: proof.records.map((line) => line.replace(`"trail":"${TRAIL}"`, '"trail":"refunds"')) }),
  ],
  'the answer is said to be of another trail': ['signature', () => ({ ...proof, trail: 'refunds' })],
  'the first run is dropped': ['runs', () => withIndex({ runs: index.runs.slice(1), answers: index.answers.slice(1) })],
  'the first run is dropped, and counted as before': [
    'runs',
    () => withIndex({ first: 1, runs: index.runs.slice(1), answers: index.answers.slice(1) }),
  ],
  'runs are swapped': ['runs', () => withIndex({ runs: index.runs.toReversed(), answers: index.answers.toReversed() })],
  'the answers of runs are swapped': ['leaves', () => withIndex({ answers: index.answers.toReversed() })],
  'the answer of a run is left out': ['coverage', () => withIndex({ answers: index.answers.slice(1) })],
  'the runs are those of another trail': [
    'runs',
    async () => ({ ...proof, index: (await trail.queries.provenPage('refunds', ALICE)).proof.index }),
  ],
  'the runs are of other rules': [
    'runs',
    () => withIndex({ record: index.record.replace(/"rules":"[0-9a-f]{4}/, '"rules":"0000') }),
  ],
  'the index is left out': ['coverage', () => ({ ...proof, index: undefined })],
  'the tail is cut': ['coverage', () => showing(proof.records.slice(0, -1), { matches: proof.matches })],
  'the index is an earlier one': ['coverage', () => ({ ...proof, index: earlier.index })],
  'the checkpoint is an earlier one': ['coverage', () => ({ ...proof, checkpoint: earlier.checkpoint })],
  'the checkpoint of the index is that of the trail': ['signature', () => withIndex({ checkpoint: proof.checkpoint })],
  'a signature is another': [
    'signature',
    () => ({ ...proof, checkpoint: proof.checkpoint.replace(/(.{8})\n$/, 'AAAAAAA=\n') }),
  ],
  'neighbours are none': [
    'leaves',
    () =>
      withIndex({
        answers: index.answers.map(({ terms, ...run }) => ({
          ...run,
          terms: terms.map((filter) =>
            filter.map(({ leaves, ...one }) => ({
              ...one,
              leaves: leaves.filter((_, n) => n !== Math.floor(leaves.length / 2)),
            })),
          ),
        })),
      }),
  ],
  'the leaf is that of another value': [
    'leaves',
    async () => {
      const [page] = await trail.proofs(ask({ actor: ['actor-7'] }));
      return withIndex({ answers: page?.proof.index?.answers ?? [] });
    },
  ],
  'the leaf is that of a shorter value': [
    'leaves',
    async () => {
      const [page] = await trail.proofs(ask({ actor: ['actor-1'] }));
      return {
        ...proof,
        filters: { actor: ['actor-12'] },
        index: { ...index, answers: page?.proof.index?.answers ?? [] },
      };
    },
  ],
  'the filter is another': ['leaves', () => ({ ...proof, filters: { actor: ['nobody'] } })],
  'the range is longer than the log': ['coverage', () => ({ ...proof, range: { from: 0, to: 2 ** 50 } })],
  'a member is added': ['form', () => ({ ...proof, note: 'trust me' })],
};

describe('it is refused, and the kind is said, where', () => {
  it.each(Object.entries(ATTACKS))('%s', async (_, [kind, attack]) => {
    const edited = JSON.parse(JSON.stringify(await attack()));
    expect(kindOf(edited)).toBe(kind);
    expect(ANSWER_KINDS).toContain(kind);
  });
});

/** Every place in a value, as a path. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([name, one]) =>
      pathsOf(one, [...path, Array.isArray(value) ? Number(name) : name]),
    ),
  ];
}

type Edit = { readonly how: 'remove' | 'repeat' | 'swap' | 'change'; readonly at: number; readonly by: number };
const someEdit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom('remove', 'repeat', 'swap', 'change'),
  at: fc.nat(),
  by: fc.nat(),
});

/** Makes one edit somewhere in a proof. */
function edited(original: AnswerProof, { how, at, by }: Edit): unknown {
  // Any JSON: an edit need not know what it changes.
  const copy = JSON.parse(JSON.stringify(original));
  const paths = pathsOf(copy).slice(1);
  const path = paths[at % paths.length] ?? [];
  const name = path.at(-1) ?? '';
  const holder = path.slice(0, -1).reduce((value, step) => value[step], copy);
  const value = holder[name];
  if (how === 'remove' && Array.isArray(holder)) holder.splice(Number(name), 1);
  else if (how === 'remove') delete holder[name];
  else if (how === 'repeat' && Array.isArray(holder)) holder.splice(Number(name), 0, value);
  else if (how === 'swap' && Array.isArray(holder)) {
    holder[Number(name)] = holder[0];
    holder[0] = value;
  } else if (typeof value === 'number')
    holder[name] = Math.max(0, value + (by % 2 === 0 ? 1 + (by % 7) : -1 - (by % 7)));
  else if (typeof value === 'string') {
    const place = by % Math.max(1, value.length);
    holder[name] = `${value.slice(0, place)}${String.fromCharCode(33 + (by % 90))}${value.slice(place + 1)}`;
  }
  return copy;
}

it('of a thousand random edits none is believed: what still holds says what is true of the log', () => {
  let held = 0;
  fc.assert(
    fc.property(someEdit, (edit) => {
      const value = edited(proof, edit);
      if (kindOf(value) !== undefined) {
        expect(ANSWER_KINDS).toContain(kindOf(value));
        return;
      }
      held += 1;
      const { range, filters, period, records: lines, isFromStart, isToEnd } = checkAnswer(value, trust);
      const asked = { filters, from: period.from ?? -1, to: period.to ?? 2 ** 50 };
      const inRange = records.slice(range.from, range.to).filter((record) => isMatch(record, asked));
      expect(lines.map(seqOf)).toEqual(inRange.map(({ seq }) => seq));
      if (isFromStart && isToEnd) expect(lines).toHaveLength(records.filter((record) => isMatch(record, asked)).length);
    }),
    { numRuns: 1000 },
  );
  // Edits that change nothing, and ranges that are shorter and say so.
  expect(held).toBeLessThan(150);
});
