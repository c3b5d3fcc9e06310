import { describe, expect, test } from 'vitest';
import { parseEarlierReport } from '../../../lib/verify/archive/since-report.ts';
import { parseTrustedKeys, type Report, verifyArchive } from '../../../lib/verify/index.ts';
import { type Archive, buildTrail, copyOf, KEY, objectsOf, TRAIL } from '../archive-builder.ts';

/** A report says what it read and what it found, so that a later one can be held against it. */

const plan = { runs: [100, 300], seals: [100, 300] };
const { archive } = buildTrail(plan);
const grown = buildTrail({ runs: [100, 300, 400], seals: [100, 300] }).archive;
const trust = parseTrustedKeys(KEY.pem);
const verify = async (files: Archive, earlier?: Report): Promise<Report> =>
  verifyArchive(await objectsOf(files), {
    trust,
    ...(earlier && { earlier: parseEarlierReport('old.json', JSON.stringify(earlier)) }),
  });

/** The archive with one record of its first bundle changed. */
const edited: Archive = copyOf(archive);
const bundle = `${TRAIL}/tile/entries/000`;
edited.set(bundle, Buffer.from(String(edited.get(bundle)?.toString('latin1')).replace('user-3', 'user-4'), 'latin1'));

describe('a report', () => {
  test('names what was read by a digest: the same for the same archive, another for another', async () => {
    const digests = await Promise.all([archive, copyOf(archive), grown].map(async (one) => (await verify(one)).digest));
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  test('calls no record proven that a problem is about, and says what differs and which copy is signed', async () => {
    const { trails, problems } = await verify(edited);
    expect(trails).toMatchObject([{ covered: { from: 0, to: 300 }, proven: 299 }]);
    expect(problems).toMatchObject([
      {
        kind: 'record_mismatch',
        object: bundle,
        seq: 3,
        message:
          'the record is not the one that the other copies have: event.actor.id is "user-4" here and "user-3" there. The signatures cover the other copies',
      },
    ]);
  });
});

describe('compared with an earlier report', () => {
  test('it says what grew, which problems are new, and how many are gone', async () => {
    const before = await verify(archive);
    expect((await verify(grown, before)).since).toMatchObject({
      ...{ verdict: 'ok', startedAt: before.startedAt, added: [], gone: 0 },
      trails: [{ trail: TRAIL, from: 300, to: 400 }],
    });
    expect((await verify(edited, before)).since).toMatchObject({ added: [{ kind: 'record_mismatch' }], gone: 0 });
    expect((await verify(archive, await verify(edited))).since).toMatchObject({ added: [], gone: 1 });
  });

  test('what was proven and is not there any more is damage', async () => {
    const shorter = await verify(archive, await verify(grown));
    expect(shorter).toMatchObject({
      verdict: 'damaged',
      problems: [{ kind: 'rolled_back', trail: TRAIL, object: 'old.json', seq: 300 }],
    });
    const other = buildTrail({ ...plan, start: 1_790_000_000_000 }).archive;
    expect(await verify(other, await verify(archive))).toMatchObject({
      problems: [{ kind: 'history_rewritten', object: 'old.json' }],
    });
  });

  test('what is no report is refused', () => {
    for (const text of ['', '[]', '{"format":"other"}', 'null']) {
      expect(() => parseEarlierReport('old.json', text)).toThrow(expect.objectContaining({ code: 'usage' }));
    }
  });
});
