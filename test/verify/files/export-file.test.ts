import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExportManifest } from '../../../lib/contract/exports.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../../lib/log/frontier.ts';
import { nodesBetween } from '../../../lib/log/tree-builder.ts';
import { checkExport, parseTrustedKeys } from '../../../lib/verify/index.ts';
import { buildTrail, KEY, LOG, noteOf, rootOf, TRAIL } from '../archive-builder.ts';

/** What is promised: anyone who holds an export and the log's key needs no one else to know that its lines are the log's. */

const SIZE = 120;
const event = (seq: number): string =>
  `{"actor":{"id":"user-${seq % 7}"},"id":"e-${seq}","severity":"info","time":"2026-11-21T08:00:00.000Z","type":"data.read"}`;
const { lines, leaves, origin } = buildTrail({ runs: [SIZE], seals: [SIZE], event });
const growth = appendLeaves(EMPTY_FRONTIER, leaves);
const trust = parseTrustedKeys(KEY.pem);
const note = noteOf(origin, SIZE, rootOf(leaves), [KEY]).toString();

interface Parts {
  readonly manifest: ExportManifest;
  readonly file: Uint8Array;
  readonly proof: Uint8Array;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An export of the given records, whole and right, with a manifest that fits whatever is put in. */
function exportOf(seqs: readonly number[], more: Partial<ExportManifest> = {}, file?: Uint8Array): Parts {
  let at = 0;
  const nodes = [...seqs, SIZE].flatMap((seq) => {
    const between = nodesBetween(at, seq);
    at = seq + 1;
    return between;
  });
  const proof = Buffer.concat(nodes.map((id) => growth.node(id) ?? expect.fail('there is no such node')));
  const plain = Buffer.from(seqs.map((seq) => `${lines[seq]}\n`).join(''));
  const bytes = file ?? (more.compression === 'gzip' ? gzipSync(plain) : plain);
  const manifest: ExportManifest = {
    v: 1,
    id: '0'.repeat(32),
    log: LOG,
    trail: TRAIL,
    format: 'ndjson',
    compression: 'none',
    filters: { type: ['data.*'] },
    records: seqs.length,
    ...(seqs.length === 0 ? {} : { first: Math.min(...seqs), last: Math.max(...seqs) }),
    checkpoint: note,
    file: { bytes: bytes.length, sha256: sha256(bytes) },
    proof: { hashes: proof.length / 32, sha256: sha256(proof) },
    requestedBy: 'auditor',
    requestedAt: 1,
    finishedAt: 2,
    ...more,
  };
  return { manifest, file: bytes, proof };
}

/** In chunks of a size, so that lines and hashes come in pieces. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const check = ({ manifest, file, proof }: Parts, size = 1000) =>
  checkExport({ manifest: JSON.stringify(manifest), file: pieces(file, size), proof: pieces(proof, size) }, trust);

const everything = Array.from({ length: SIZE }, (_, seq) => seq);
const selection = fc
  .uniqueArray(fc.nat({ max: SIZE - 1 }), { minLength: 1, maxLength: SIZE })
  .map((seqs) => seqs.sort((a, b) => a - b));

describe('an export that is right', () => {
  it('is proven line by line, whatever was selected and however it comes', async () => {
    await fc.assert(
      fc.asyncProperty(selection, fc.integer({ min: 1, max: 5000 }), fc.boolean(), async (seqs, size, gzip) => {
        const parts = exportOf(seqs, gzip ? { compression: 'gzip' } : {});
        const { records, proven, complete } = await check(parts, size);
        expect({ records, proven }).toEqual({ records: seqs.length, proven: 'records' });
        expect(complete).toBe(seqs.length === SIZE ? 'log' : 'unknown');
      }),
      { numRuns: 50 },
    );
  });

  it('is known to be complete where nothing was filtered', async () => {
    expect(await check(exportOf(everything, { filters: {} }))).toMatchObject({ complete: 'log', trail: TRAIL, origin });
    const range = exportOf(everything.slice(20, 70), { filters: {}, from: 0 });
    expect(await check(range)).toMatchObject({ complete: 'range' });
    expect(await check(exportOf(everything.slice(20, 70), { filters: {}, timeFrom: 0 }))).toMatchObject({
      complete: 'unknown',
    });
  });

  it('may be empty', async () => {
    expect(await check(exportOf([]))).toMatchObject({ records: 0, proven: 'records', complete: 'unknown' });
  });

  it('is held against its filters: masked values and filters of a later version are not proven', async () => {
    const masked = Array.from(
      { length: 4 },
      (_, seq) => `{"actor":{"id":"u***@x.com"},"id":"e-${seq}","severity":"info","type":"data.read"}`,
    );
    const built = buildTrail({ runs: [4], seals: [4], event: (seq) => masked[seq] ?? '' });
    const plain = Buffer.from(built.lines.map((line) => `${line}\n`).join(''));
    const { manifest } = exportOf([0, 1, 2, 3], {}, plain);
    const checkpoint = noteOf(origin, 4, rootOf(built.leaves), [KEY]).toString();
    const proof = { hashes: 0, sha256: sha256(Buffer.alloc(0)) };
    const parts = (filters: ExportManifest['filters']): Parts => ({
      manifest: { ...manifest, checkpoint, proof, filters },
      file: plain,
      proof: Buffer.alloc(0),
    });
    const unsigned = ['id', 'requestedBy', 'requestedAt', 'finishedAt'];
    expect(await check(parts({ actor: ['u3@x.com'], planet: ['earth'] }))).toMatchObject({
      proven: 'records',
      unproven: [...unsigned, 'filters.planet', 'filters.actor'],
    });
    expect(await check(parts({ actor: ['u***@x.com'] }))).toMatchObject({ unproven: unsigned });
    await expect(check(parts({ type: ['data.write', 'auth.*'] }))).rejects.toMatchObject({
      code: 'proof_mismatch',
      message: 'line 1, record 0: it does not pass the filter type',
    });
  });

  it('in another format is proven to be the file of the manifest, and no more', async () => {
    const { proof: _, ...manifest } = exportOf([1, 2]).manifest;
    const parts = { ...exportOf([1, 2]), manifest: { ...manifest, format: 'csv' as const } };
    expect(await check(parts)).toMatchObject({ proven: 'file', complete: 'unknown' });
    const other = { ...parts, file: parts.file.with(3, 0) };
    await expect(check(other)).rejects.toMatchObject({
      code: 'proof_mismatch',
      message: expect.stringContaining('SHA-256'),
    });
  });
});

describe('an export that is not', () => {
  const refused = (message: RegExp | string) => ({
    code: 'proof_mismatch',
    message: expect.stringMatching(message),
  });

  it('never passes when a byte of its lines is another, though the manifest is made to fit', async () => {
    const seqs = everything.filter((seq) => seq % 7 < 3);
    const { file } = exportOf(seqs);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const forged = exportOf(seqs, {}, file.with(at, (file[at] ?? 0) ^ flip));
        await expect(check(forged)).rejects.toMatchObject({ code: 'proof_mismatch' });
      }),
      { numRuns: 300 },
    );
  });

  it('never passes when a byte of its proof is another, though the manifest is made to fit', async () => {
    const right = exportOf([3, 50, 51, 90]);
    for (let at = 0; at < right.proof.length; at += 7) {
      const proof = right.proof.with(at, (right.proof[at] ?? 0) ^ 1);
      const manifest = { ...right.manifest, proof: { hashes: proof.length / 32, sha256: sha256(proof) } };
      await expect(check({ ...right, manifest, proof })).rejects.toMatchObject(refused('root that was signed'));
    }
  });

  it.each<[string, readonly number[], Partial<ExportManifest>, RegExp]>([
    [
      'lacks a record though nothing was filtered',
      [4, 5, 7],
      { filters: {}, from: 0 },
      /line 3, record 7: record 6 is missing/,
    ],
    ['lacks the end though nothing was filtered', everything.slice(0, -1), { filters: {} }, /119 of 120 records/],
    ['says another first record', [4, 5], { first: 3 }, /line 1, record 4: .*missing before/],
    ['says another last record', [4, 5], { last: 6 }, /the last record is 5, the manifest says 6/],
    ['says another number of records', [4, 5], { records: 3 }, /there are 2 lines, the manifest says 3/],
    ['holds what is not of its period', [4, 5], { from: 9e15 }, /line 1, record 4: it is not of the period/],
    ['holds what is not of its period', [4, 5], { to: 1 }, /line 1, record 4: it is not of the period/],
    ['holds what happened at another time', [4, 5], { timeTo: 1 }, /line 1, record 4: it did not happen in the period/],
    ['says another trail', [4, 5], { trail: 'other' }, /the checkpoint is of .*orders, the manifest says .*other/],
    ['says another length', [4, 5], { file: { bytes: 1, sha256: '0'.repeat(64) } }, /the file has \d+ bytes/],
    [
      'says another hash of the proof',
      [4, 5],
      { proof: { hashes: 8, sha256: '0'.repeat(64) } },
      /the proof does not have/,
    ],
    ['is said to be packed and is not', [4], { compression: 'gzip' }, /gzip/],
  ])('is refused when it %s', async (_, seqs, more, message) => {
    const file = more.compression === 'gzip' ? Buffer.from(`${lines[4]}\n`) : undefined;
    await expect(check(exportOf(seqs, more, file))).rejects.toMatchObject(refused(message));
  });

  it.each<[string, string, RegExp]>([
    ['a line twice', `${lines[4]}\n${lines[4]}\n`, /line 2, record 4: .*out of order/],
    ['lines out of order', `${lines[5]}\n${lines[4]}\n`, /line 1, record 5: .*missing before|out of order/],
    ['a last line that is cut', `${lines[4]}\n${lines[5]?.slice(0, 40)}`, /the last line has no end/],
    ['an empty line', `${lines[4]}\n\n`, /line 2 is no record/],
    ['a line longer than any record', `${lines[4]}\n${'x'.repeat(70_000)}\n`, /line 2 is no record|more than/],
    [
      'a record whose neighbour was changed',
      `${lines[4]?.replace('"v":1', '"v":1 ')}\n${lines[5]}\n`,
      /line 2, record 5: it does not follow/,
    ],
  ])('is refused with %s', async (_, text, message) => {
    await expect(check(exportOf([4, 5], {}, Buffer.from(text)))).rejects.toMatchObject(refused(message));
  });

  it('is refused when its proof is too short, too long or cut', async () => {
    const right = exportOf([4, 50]);
    for (const [proof, message] of [
      [right.proof.subarray(0, -32), 'fewer hashes'],
      [Buffer.concat([right.proof, Buffer.alloc(32)]), 'more hashes'],
      [right.proof.subarray(0, -1), 'ends within a hash'],
    ] as const) {
      await expect(check({ ...right, proof })).rejects.toMatchObject(refused(message));
    }
  });

  it('is refused when no one who is trusted signed its checkpoint, and when there is no manifest', async () => {
    const unsigned = exportOf([4], { checkpoint: note.replace(/ [A-Za-z0-9+/=]+\n$/, ` ${'A'.repeat(92)}\n`) });
    await expect(check(unsigned)).rejects.toMatchObject({
      code: expect.stringMatching(/bad_signature|malformed_note/),
    });
    for (const manifest of ['', '{', '[]', '{"v":2}']) {
      const evidence = { manifest, file: pieces(new Uint8Array(0), 1) };
      await expect(checkExport(evidence, trust)).rejects.toMatchObject({ code: 'malformed_proof' });
    }
  });
});
