import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseVkey } from '../../../lib/log/note.ts';
import { isTrailName } from '../../../lib/log/trail-name.ts';
import { keyIdText } from '../../../lib/verify/evidence/trust.ts';
import { type ProblemKind, parseTrustedKeys, type Report, verifyArchive } from '../../../lib/verify/index.ts';
import { runs } from '../../runs.ts';
import { type Archive, buildTrail, copyOf, KEY, LOG, objectsOf, p256Key, TRAIL } from '../archive-builder.ts';

const verify = async (archive: Archive, pem: string): Promise<Report> =>
  verifyArchive(await objectsOf(archive), { trust: parseTrustedKeys(pem) });

/** What a flipped bit can turn each sort of object into. */
const KINDS: readonly (readonly [RegExp, readonly ProblemKind[]])[] = [
  [
    /\/records\//,
    [
      'malformed_segment',
      'trailing_bytes',
      'too_large',
      'malformed_record',
      'not_canonical',
      'record_mismatch',
      'wrong_seq',
      'wrong_date',
      'wrong_trail',
      'missing_records',
      'wrong_range',
    ],
  ],
  [/\/tile\/entries\//, ['malformed_bundle', 'record_mismatch']],
  [/\/tile\/[0-9]/, ['tile_mismatch']],
  [/\/checkpoint/, ['malformed_checkpoint', 'bad_signature', 'wrong_origin', 'misplaced_checkpoint', 'unknown_key']],
  [/^keys\//, ['malformed_key']],
];

const kindsOf = (key: string): readonly ProblemKind[] => KINDS.find(([pattern]) => pattern.test(key))?.[1] ?? [];

/** Whether an edited segment holds the same lines all the same: deflate can say one content in several ways. */
function isSameContent(before: Buffer, after: Buffer): boolean {
  try {
    return (
      gunzipSync(after).equals(gunzipSync(before)) &&
      after.length === before.length &&
      after.subarray(0, 10).equals(before.subarray(0, 10))
    );
  } catch {
    return false;
  }
}

/**
 * Whether an edited vkey is as good a key for another trail. The ID of a P-256 key is over the key alone (docs/spec.md), so it does
 * not change with the name; the archive then names a trail that it does not hold.
 */
function isKeyOfOtherTrail(object: string, edited: Buffer): boolean {
  const text = edited.toString('latin1');
  if (!object.endsWith('.vkey') || !text.endsWith('\n')) return false;
  try {
    const { name, keyId } = parseVkey(text.slice(0, -1));
    const trail = name.slice(LOG.length + 1);
    return (
      name === `${LOG}/${trail}` && isTrailName(trail) && trail !== TRAIL && object === `keys/${keyIdText(keyId)}.vkey`
    );
  } catch {
    return false;
  }
}

function flip(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  const at = (bit >> 3) % bytes.length;
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

describe.each([
  ['Ed25519', KEY],
  ['P-256', p256Key(3)],
])('an archive signed with %s', (_, key) => {
  const { archive } = buildTrail({ runs: [1, 90, 256, 300, 515], seals: [1, 300, 515], keys: [key] });

  test.each([...archive.keys()])('a flipped bit anywhere in %s is found, and the object named', async (object) => {
    const bytes = archive.get(object) ?? Buffer.alloc(0);
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (bit) => {
        const edited = copyOf(archive);
        const flipped = flip(bytes, bit);
        fc.pre(!object.includes('/records/') || !isSameContent(bytes, flipped));
        edited.set(object, flipped);
        const report = await verify(edited, key.pem);
        if (isKeyOfOtherTrail(object, flipped)) {
          expect(report).toMatchObject({ verdict: 'incomplete', problems: [{ kind: 'missing_trail' }] });
          return;
        }
        expect(report.verdict).toBe('damaged');
        // The name of the log is taken from a checkpoint here, and may be the one that was hit.
        const named = report.problems.filter((problem) => problem.object === object || problem.kind === 'wrong_origin');
        expect(kindsOf(object)).toEqual(expect.arrayContaining(named.map(({ kind }) => kind)));
        expect(named).not.toEqual([]);
      }),
      runs(3),
    );
  });
});

describe('any single edit of the evidence', () => {
  /** Some archive: its runs, some of them sealed, on one day. */
  const plans = fc
    .record({
      steps: fc.array(fc.integer({ min: 1, max: 180 }), { minLength: 1, maxLength: 5 }),
      sealed: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    })
    .map(({ steps, sealed }) => {
      let size = 0;
      const runs = steps.map((step) => {
        size += step;
        return size;
      });
      const seals = runs.filter((_, at) => at === 0 || sealed[at]);
      return { runs, seals };
    });

  type Edit = (archive: Archive, object: string, other: string, n: number) => void;
  const edits: readonly Edit[] = [
    (archive, object, _, n) => archive.set(object, flip(archive.get(object) ?? Buffer.alloc(0), n)),
    (archive, object) => archive.delete(object),
    (archive, object, _, n) => {
      const bytes = archive.get(object) ?? Buffer.alloc(0);
      archive.set(object, bytes.subarray(0, n % bytes.length));
    },
    (archive, object, _, n) =>
      archive.set(object, Buffer.concat([archive.get(object) ?? Buffer.alloc(0), Buffer.from([n & 255])])),
    (archive, object, other) => archive.set(object, archive.get(other) ?? Buffer.alloc(0)),
    (archive, object, other) => {
      const bytes = archive.get(object) ?? Buffer.alloc(0);
      archive.set(object, archive.get(other) ?? Buffer.alloc(0));
      archive.set(other, bytes);
    },
    (archive, object, _, n) => archive.set(`${object}${n % 10}`, archive.get(object) ?? Buffer.alloc(0)),
    (archive, object, _, n) => {
      archive.set(object.replace(/[0-9](?=[^0-9]*$)/, String(n % 10)), archive.get(object) ?? Buffer.alloc(0));
      if (n % 2 === 0) archive.delete(object);
    },
    (archive, object, _, n) => {
      const bytes = Buffer.from(archive.get(object) ?? Buffer.alloc(0));
      const at = n % bytes.length;
      bytes.fill(n & 255, at, Math.min(bytes.length, at + 1 + (n % 7)));
      archive.set(object, bytes);
    },
  ];

  const isSame = (a: Archive, b: Archive): boolean =>
    a.size === b.size &&
    [...a].every(([key, bytes]) => {
      const other = b.get(key);
      if (other === undefined) return false;
      return bytes.equals(other) || (key.includes('/records/') && isSameContent(bytes, other));
    });

  /**
   * What no verifier can miss, since nothing else tells that it was there: the newest archived checkpoint of a log whose
   * records are all gone with it, or the only trace of an earlier seal.
   */
  const isUntraceable = (before: Archive, after: Archive): boolean => {
    const gone = [...before.keys()].filter((key) => !after.has(key));
    return after.size === before.size - 1 && gone.every((key) => /\/tile\/[1-9]\/.*\.p\//.test(key));
  };

  test('never leaves the verdict ok', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(), fc.nat(), fc.nat(), fc.nat(edits.length - 1), async (plan, a, b, n, which) => {
        const { archive } = buildTrail(plan);
        const keys = [...archive.keys()].sort();
        const [object = '', other = ''] = [keys[a % keys.length], keys[b % keys.length]];
        const edited = copyOf(archive);
        edits[which]?.(edited, object, other, n);
        fc.pre(!isSame(archive, edited) && !isUntraceable(archive, edited));
        const report = await verify(edited, KEY.pem);
        expect({ verdict: report.verdict, object, other }).not.toMatchObject({ verdict: 'ok' });
      }),
      runs(80),
    );
  });

  test('and none to an archive that was not edited is reported', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        expect(await verify(buildTrail(plan).archive, KEY.pem)).toMatchObject({ verdict: 'ok', problems: [] });
      }),
      runs(25),
    );
  });

  test('no bytes whatever make it fail instead of answering', async () => {
    const { archive } = buildTrail({ runs: [5], seals: [5] });
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.uint8Array({ maxLength: 300 }), async (which, bytes) => {
        const keys = [...archive.keys()].sort();
        const edited = copyOf(archive);
        edited.set(keys[which % keys.length] ?? `${TRAIL}/checkpoint`, Buffer.from(bytes));
        expect((await verify(edited, KEY.pem)).verdict).toBe('damaged');
      }),
      runs(80),
    );
  });
});
