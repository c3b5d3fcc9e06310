import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExportManifest } from '../../lib/contract/exports.ts';
import type { AnswerProof } from '../../lib/contract/query.ts';
import type { ExportSpec } from '../../lib/export/export-job.ts';
import { type ExportSource, writeExport } from '../../lib/export/write-export.ts';
import type { StoredCheckpoint } from '../../lib/ledger/checkpoints.ts';
import { nodeReader } from '../../lib/ledger/tree/nodes.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import type { Match } from '../../lib/query/query.ts';
import { MemoryDownloads } from '../../lib/testing/memory/downloads.ts';
import { checkExport, type TrustedKeys } from '../../lib/verify/index.ts';
import { LOG_NAME } from '../ledger/fixture.ts';
import { START, TRAIL } from '../query/fixture.ts';
import { ProvenTrail } from '../verify/answers/fixture.ts';

/**
 * An export by a filter proves that nothing is left out. Who attacks it makes file, proof and manifest anew, so that all three fit; only
 * the log's statement of the manifest is beyond them, and is not there.
 */

const trail = new ProvenTrail();
let trust: TrustedKeys;
let checkpoint: StoredCheckpoint;
let earlier: StoredCheckpoint;
/** What the log exports: the records of alice, and the pages of the proof. */
let honest: Answer;

interface Answer {
  readonly matches: readonly Match[];
  readonly pages: readonly AnswerProof[];
}

const ALICE: ExportSpec = { format: 'ndjson', compression: 'none', filters: { actor: ['alice'] } };
const block = (n: number, size = 40) =>
  Array.from({ length: size }, (_, i) => ({
    id: `e-${n}-${i}`,
    actor: { id: i % 10 === 0 ? 'alice' : `actor-${i % 13}` },
  }));

beforeAll(async () => {
  for (let n = 0; n < 6; n++) {
    await trail.append(block(n), START + n);
    await trail.index();
  }
  await trail.append(block(0), START, 'refunds');
  await trail.index('refunds');
  // More than one page shows: what the index has not got to is all shown.
  for (let n = 6; n < 14; n++) {
    earlier = (await trail.ledger.checkpoint(TRAIL)) ?? expect.fail();
    await trail.append(block(n, 200), START + n);
  }
  trust = await trail.trust();
  checkpoint = (await trail.ledger.checkpoint(TRAIL)) ?? expect.fail();
  honest = await answerTo(ALICE);
});

async function answerTo(spec: ExportSpec, of = TRAIL, under = checkpoint): Promise<Answer> {
  const pages = (await trail.queries.provenAll(of, { ...spec }, under)) ?? expect.fail('the index does not carry it');
  const found = await Array.fromAsync(pages);
  return { matches: found.flatMap(({ matches }) => matches), pages: found.map(({ proof }) => proof) };
}

/** The files of an export of such an answer. */
async function filesOf({ matches, pages }: Answer, spec: ExportSpec = ALICE) {
  const { table, ledger } = trail;
  const queries: ExportSource['queries'] = {
    all: async function* () {
      yield matches;
    },
    masked: (...asked) => trail.queries.masked(...asked),
    provenAll: async () =>
      (async function* () {
        for (const [n, proof] of pages.entries()) yield { matches: n === 0 ? matches : [], from: 0, to: 0, proof };
      })(),
  };
  const downloads = new MemoryDownloads(() => START);
  const [file, proof, complete] = await Promise.all(
    ['file', 'proof', 'complete'].map((name) => downloads.create(name)),
  );
  if (file === undefined || proof === undefined || complete === undefined) throw new RangeError('no files');
  const source = { queries, nodes: nodeReader({ table, ledger }, TRAIL), logName: LOG_NAME, trail: TRAIL, checkpoint };
  const written = await writeExport(source, spec, { file, proof, complete }, async () => undefined);
  for (const one of [file, proof, complete]) await one.finish();
  const manifest: ExportManifest = {
    ...{ v: 1, id: '0'.repeat(32), log: LOG_NAME, trail: TRAIL, format: 'ndjson', compression: 'none' },
    filters: { actor: spec.filters.actor ?? [] },
    ...written,
    ...{ requestedBy: 'auditor', requestedAt: 1, finishedAt: 2 },
  };
  return { manifest, bytes: (name: string) => downloads.files.get(name) ?? new Uint8Array(0) };
}

async function* of(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function check(answer: Answer, more: Partial<ExportManifest> = {}, spec = ALICE) {
  const { manifest, bytes } = await filesOf(answer, spec);
  const parts = { file: of(bytes('file')), proof: of(bytes('proof')), complete: of(bytes('complete')) };
  return checkExport({ manifest: JSON.stringify({ ...manifest, ...more }), ...parts }, trust);
}

/** What is found wrong; undefined where the export is believed to be complete. */
async function wrongIn(answer: Answer, more?: Partial<ExportManifest>): Promise<string | undefined> {
  try {
    const { complete } = await check(answer, more);
    return complete === 'filters' ? undefined : complete;
  } catch (error) {
    if (error instanceof SealtrailError) return error.message;
    throw error;
  }
}

describe('an export by a filter', () => {
  it('is proven to be complete, over runs and what is not indexed yet', async () => {
    expect(honest.pages.length).toBeGreaterThan(1);
    expect(honest.matches).toHaveLength(24 + 160);
    expect(await check(honest)).toMatchObject({ complete: 'filters', indexed: 240, records: 184, proven: 'records' });
  });

  it('of which there is no record is proven too, and so is one of a period or of numbers', async () => {
    const nobody = { ...ALICE, filters: { actor: ['nobody'] } };
    expect(await check(await answerTo(nobody), {}, nobody)).toMatchObject({ complete: 'filters', records: 0 });
    const period = { ...ALICE, from: START + 2, to: START + 9 };
    expect(await check(await answerTo(period), { from: START + 2, to: START + 9 }, period)).toMatchObject({
      ...{ complete: 'filters', records: 4 * 4 + 3 * 20 },
    });
    const seqs = { from: 30, to: 131 };
    expect(await check(await answerTo({ ...ALICE, seqs }), { seqs }, { ...ALICE, seqs })).toMatchObject({
      ...{ complete: 'filters', records: 11 },
    });
  });

  it('by a filter that the index does not carry has no such proof, and says so', async () => {
    const query = { filters: { text: ['alice'] } };
    expect(await trail.queries.provenAll(TRAIL, query, checkpoint)).toBeUndefined();
    expect(await check({ ...honest, pages: [] })).toMatchObject({ complete: 'unknown' });
  });
});

const without = (n: number): Answer => {
  const gone = honest.matches[n]?.seq;
  return {
    matches: honest.matches.filter(({ seq }) => seq !== gone),
    pages: honest.pages.map((page) => ({ ...page, matches: page.matches.filter((seq) => seq !== gone) })),
  };
};
const withPages = (change: (pages: readonly AnswerProof[]) => readonly AnswerProof[]): Answer => ({
  ...honest,
  pages: change(honest.pages),
});

const ATTACKS: Readonly<Record<string, readonly [message: string, () => Answer | Promise<Answer>]>> = {
  'a record that the index knows is left out': ['(candidates)', () => without(3)],
  'a record that is not indexed yet is left out': ['(coverage)', () => without(180)],
  'a record is left out of the file alone': ['(candidates)', () => ({ ...without(3), pages: honest.pages })],
  'the first page is dropped': ['(answer)', () => withPages((pages) => pages.slice(1))],
  'the last page is dropped': ['it ends before', () => withPages((pages) => pages.slice(0, -1))],
  'pages are swapped': ['', () => withPages((pages) => pages.toReversed())],
  'a page is of another trail': [
    'it is of',
    async () => {
      const under = (await trail.ledger.checkpoint('refunds')) ?? expect.fail();
      return { ...honest, pages: (await answerTo(ALICE, 'refunds', under)).pages };
    },
  ],
  'a page is under an earlier checkpoint': [
    'another checkpoint',
    async () => ({ ...honest, pages: (await answerTo(ALICE, TRAIL, earlier)).pages }),
  ],
  'the pages prove a narrower period': [
    'another period',
    async () => ({ ...honest, pages: (await answerTo({ ...ALICE, to: START + 3 })).pages }),
  ],
};
describe('it is not believed to be complete where', () => {
  it.each(Object.entries(ATTACKS))('%s', async (_, [message, attack]) => {
    expect(await wrongIn(await attack())).toEqual(expect.stringContaining(message));
  });

  it('its proof is missing, or is not the one that the manifest names', async () => {
    const { manifest, bytes } = await filesOf(honest);
    const evidence = () => ({ manifest: JSON.stringify(manifest), file: of(bytes('file')), proof: of(bytes('proof')) });
    await expect(checkExport(evidence(), trust)).rejects.toMatchObject({ code: 'proof_mismatch' });
    const spaced = Buffer.concat([Buffer.from(' '), bytes('complete')]);
    await expect(checkExport({ ...evidence(), complete: of(spaced) }, trust)).rejects.toMatchObject({
      ...{ code: 'proof_mismatch', message: expect.stringContaining('proof that no record is left out') },
    });
  });

  it('its pages answer for other values than its manifest asks for', async () => {
    const bob = await answerTo({ ...ALICE, filters: { actor: ['actor-3'] } });
    expect(await wrongIn({ ...bob, matches: honest.matches })).toBeDefined();
    const both = await answerTo({ ...ALICE, filters: { actor: ['alice'], severity: ['info'] } });
    expect(await wrongIn(both)).toBe('unknown');
  });

  it('any one of its values is changed at random', async () => {
    const paths = pathsOf(honest.pages);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (at, by) => {
        const copy = JSON.parse(JSON.stringify(honest.pages));
        const path = paths[at % paths.length] ?? [];
        const holder = path.slice(0, -1).reduce((value, step) => value[step], copy);
        const name = path.at(-1) ?? '';
        const value = holder[name];
        if (typeof value === 'number') holder[name] = value + 1 + (by % 7);
        else {
          const text = String(value);
          const place = by % Math.max(1, text.length);
          holder[name] = `${text.slice(0, place)}${String.fromCharCode(33 + (by % 90))}${text.slice(place + 1)}`;
        }
        fc.pre(holder[name] !== value);
        expect(await wrongIn({ ...honest, pages: copy })).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });
});

/** The places of texts and numbers in a value. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, one]) =>
    pathsOf(one, [...path, Array.isArray(value) ? Number(name) : name]),
  );
}
