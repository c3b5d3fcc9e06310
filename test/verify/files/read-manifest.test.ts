import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportManifestSchema } from '../../../lib/export/formats/manifest.ts';
import { readManifest } from '../../../lib/verify/files/read-manifest.ts';

/** A verifier reads manifests without the log's schema, and takes exactly what the schema takes. */

const WHOLE = {
  ...{ v: 1, id: 'e-1', log: 'audit.example.com', trail: 'orders', format: 'ndjson', compression: 'gzip' },
  ...{
    filters: { actor: ['alice'] },
    masked: [{ filter: 'actor', asked: 'a', as: 'b', shared: 'c' }],
    from: -5,
    to: 10,
    timeFrom: 1,
    timeTo: 2,
    seqs: { from: 0, to: 9 },
  },
  ...{ records: 3, first: 1, last: 7, checkpoint: 'note', file: { bytes: 10, sha256: 'a'.repeat(64) } },
  complete: { bytes: 4, sha256: 'c'.repeat(64) },
  ...{ proof: { hashes: 4, sha256: 'b'.repeat(64) }, requestedBy: 'auditor', requestedAt: 1, finishedAt: 2 },
  statement: { record: '{}', proof: 'p' },
};
const ODD = [
  [{ filter: 'actor', asked: 'a', as: 'b' }],
  [{ filter: 'type', asked: 'a', as: 'b' }],
  [{ filter: 'ip', asked: 1, as: 'b' }],
  undefined,
  null,
  -1,
  1.5,
  2,
  '',
  'x',
  'A'.repeat(64),
  [],
  ['x'],
  [1],
  {},
  { from: 1 },
  true,
];

/** All members, those of members too. */
const PATHS = Object.entries(WHOLE).flatMap(([name, value]) => [
  [name],
  ...(typeof value === 'object' ? Object.keys(value).map((inner) => [name, inner]) : []),
  [name, 'more'],
]);

function changed(path: readonly string[], value: unknown): unknown {
  const copy = structuredClone(WHOLE) as Record<string, unknown>;
  const [name = '', inner] = path;
  const at = inner === undefined ? copy : copy[name];
  if (typeof at !== 'object' || at === null) return copy;
  const members = at as Record<string, unknown>;
  if (value === undefined) delete members[inner ?? name];
  else members[inner ?? name] = value;
  return copy;
}

const takes = (value: unknown): boolean => {
  try {
    readManifest(value);
    return true;
  } catch {
    return false;
  }
};

describe('a manifest', () => {
  it('is read as it is', () => {
    expect(readManifest(WHOLE)).toEqual(WHOLE);
  });

  it.each(PATHS.map((path) => [path.join('.'), path] as const))(
    'is taken as the schema takes it, whatever its %s',
    (_, path) => {
      for (const value of ODD) {
        const manifest = changed(path, value);
        expect([value, takes(manifest)]).toEqual([value, exportManifestSchema.safeParse(manifest).success]);
      }
    },
  );

  it('is nothing else than an object with these members', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(takes(value)).toBe(exportManifestSchema.safeParse(value).success);
      }),
    );
  });

  it('is refused with the member that is wrong', () => {
    expect(() => readManifest(changed(['file', 'bytes'], 'x'))).toThrow(/bytes is no count/);
    expect(() => readManifest(changed(['trail'], undefined))).toThrow(/trail is missing/);
    expect(() => readManifest(changed(['surplus'], 1))).toThrow(/surplus is not known/);
  });
});
