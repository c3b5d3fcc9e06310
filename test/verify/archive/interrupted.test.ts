import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Objects } from '../../../lib/store/ports.ts';
import { exitCodeOf, parseTrustedKeys, type Report, verifyArchive } from '../../../lib/verify/index.ts';
import { type Archive, buildTrail, copyOf, KEY, objectsOf, segmentName, TRAIL, UNSTATED } from '../archive-builder.ts';

/**
 * What an archiver leaves when it is stopped between two writes, and what a verifier sees that runs beside it. None of it
 * is damage, and none of it is covered.
 */

const trust = parseTrustedKeys(KEY.pem);
const verify = async (archive: Archive): Promise<Report> => verifyArchive(await objectsOf(archive), { trust });

const before = buildTrail({ runs: [100, 300], seals: [100] }).archive;
const after = buildTrail({ runs: [100, 300, 700], seals: [100, 700] });
const added = [...after.archive.keys()].filter((key) => !before.has(key));
const isSeal = (key: string): boolean => key.includes('.p/') || key === `${TRAIL}/checkpoint`;
const run = added.filter((key) => !isSeal(key) && key !== `${TRAIL}/checkpoints/700`);
const seal = added.filter((key) => key.includes('.p/'));

function withObjects(archive: Archive, keys: readonly string[]): Archive {
  const result = copyOf(archive);
  for (const key of keys) result.set(key, Buffer.from(after.archive.get(key) ?? expect.fail(`there is no ${key}`)));
  return result;
}

describe('an archiver stopped in the middle of a run', () => {
  test.each(run)('after %s: the records before are proven, what lies beyond is not covered', async (key) => {
    const report = await verify(withObjects(before, [key]));
    expect(report).toMatchObject({
      verdict: 'incomplete',
      problems: [{ kind: 'beyond_checkpoint', trail: TRAIL, object: key }],
      trails: [{ covered: { from: 0, to: 300 }, newest: { size: 300 } }],
    });
    expect(report.problems[0]?.seq).toBeGreaterThanOrEqual(300);
    expect(exitCodeOf(report)).toBe(1);
  });

  test('after all but the checkpoint', async () => {
    const report = await verify(withObjects(before, run));
    expect(report.problemCounts).toEqual({ beyond_checkpoint: run.length });
    expect(report.verdict).toBe('incomplete');
  });

  test('after the checkpoint: everything is covered, though not sealed', async () => {
    const report = await verify(withObjects(before, [...run, `${TRAIL}/checkpoints/700`]));
    expect(report).toMatchObject({ verdict: 'ok', trails: [{ covered: { from: 0, to: 700 } }] });
  });
});

describe('an archiver stopped in the middle of a seal', () => {
  const sealing = withObjects(before, [...run, `${TRAIL}/checkpoints/700`]);

  test.each([1, 2, seal.length])('after %i of its partial tiles', async (count) => {
    const report = await verify(withObjects(sealing, seal.slice(0, count)));
    expect(report).toMatchObject({
      verdict: 'incomplete',
      problems: [
        {
          kind: 'stale_checkpoint',
          object: `${TRAIL}/checkpoint`,
          message: expect.stringMatching(
            /^it is of size 100, but partial tiles are there for size (700|512): a seal was interrupted, or an older checkpoint was put back$/,
          ),
        },
      ],
      trails: [{ covered: { from: 0, to: 700 } }],
    });
  });

  test('before the first seal was ever complete', async () => {
    const first = copyOf(buildTrail({ runs: [100], seals: [100] }).archive);
    first.delete(`${TRAIL}/checkpoint`);
    const report = await verify(first);
    expect(report).toMatchObject({
      verdict: 'incomplete',
      problems: [{ kind: 'stale_checkpoint', message: 'the trail has no sealed checkpoint yet, or it was removed' }],
    });
  });

  test('all of what lies beyond is still read: a partial tile with a wrong hash is damage', async () => {
    const archive = withObjects(sealing, seal);
    const key = seal.find((name) => name.includes('/tile/0/')) ?? '';
    archive.get(key)?.fill(1, 3, 4);
    expect((await verify(archive)).problemCounts).toEqual({ stale_checkpoint: 1, tile_mismatch: 1 });
  });
});

describe('a verification beside a running archiver', () => {
  /** Objects that grow: once `when` has been read, the rest is there. */
  async function growing(first: Archive, rest: readonly string[], when: string): Promise<Objects> {
    const objects = await objectsOf(first);
    const get = objects.get.bind(objects);
    objects.get = async (key) => {
      if (key === when) {
        for (const name of rest) await objects.replace(name, after.archive.get(name) ?? Buffer.alloc(0));
      }
      return get(key);
    };
    return objects;
  }

  test('says of what was archived meanwhile that it was not looked at, and of the rest that it is ok', async () => {
    const objects = await growing(withObjects(before, run), [`${TRAIL}/checkpoints/700`], `${TRAIL}/tile/0/000`);
    const report = await verifyArchive(objects, { trust });
    expect(report).toMatchObject({
      verdict: 'ok',
      trails: [{ covered: { from: 0, to: 300 } }],
      skipped: [
        UNSTATED,
        { trail: TRAIL, records: { from: 300, to: 700 }, why: 'archived while the verification ran' },
      ],
    });
  });

  test('is not taken in by a planted checkpoint', async () => {
    const objects = await growing(withObjects(before, run), [], '');
    const forged = Buffer.from(String(after.archive.get(`${TRAIL}/checkpoints/700`)).replace('\n700\n', '\n900\n'));
    await objects.put(`${TRAIL}/checkpoints/900`, forged);
    const report = await verifyArchive(objects, { trust });
    expect(report.verdict).toBe('damaged');
    expect(report.problemCounts).toMatchObject({ bad_signature: 1, beyond_checkpoint: expect.any(Number) });
  });

  test('does not blame a seal that came to its end meanwhile', async () => {
    const sealing = withObjects(before, [...run, `${TRAIL}/checkpoints/700`, ...seal]);
    const objects = await objectsOf(sealing);
    const getVersion = objects.getVersion.bind(objects);
    objects.getVersion = async (key, version) => {
      const bytes = await getVersion(key, version);
      await objects.replace(`${TRAIL}/checkpoint`, after.archive.get(`${TRAIL}/checkpoint`) ?? Buffer.alloc(0));
      return bytes;
    };
    expect(await verifyArchive(objects, { trust })).toMatchObject({ verdict: 'ok', problems: [] });
  });
});

describe('where a segment may end without a checkpoint', () => {
  const cut = (archive: Archive, at: number): Archive => {
    const edited = copyOf(archive);
    const { lines, receivedAt } = after;
    edited.delete(segmentName(TRAIL, receivedAt(300), 300, 699));
    for (const [first, last] of [
      [300, at - 1],
      [at, 699],
    ] as const) {
      const text = lines.slice(first, last + 1).map((line) => `${line}\n`);
      edited.set(segmentName(TRAIL, receivedAt(first), first, last), gzipSync(text.join('')));
    }
    return edited;
  };

  test('nowhere in the middle of a day, unless it is full', async () => {
    const archive = await objectsOf(cut(after.archive, 400));
    const report = await verifyArchive(archive, { trust });
    expect(report.problems).toMatchObject([
      {
        kind: 'missing_checkpoint',
        object: `${TRAIL}/checkpoints/400`,
        seq: 399,
        message: 'a segment ends at record 399, so a checkpoint of size 400 was archived; it is gone',
      },
    ]);
    for (const segmentLimits of [
      { records: 100, bytes: 1e9 },
      { records: 1e9, bytes: 60_000 },
    ]) {
      expect(await verifyArchive(archive, { trust, segmentLimits })).toMatchObject({ verdict: 'ok', problems: [] });
    }
  });

  test('at the end of a day', async () => {
    const days = buildTrail({ runs: [700], seals: [700], stepMs: 600_000 }).archive;
    expect([...days.keys()].filter((key) => key.includes('/records/')).length).toBeGreaterThan(3);
    expect(await verify(days)).toMatchObject({ verdict: 'ok', problems: [] });
  });
});
