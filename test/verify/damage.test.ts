import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Objects } from '../../lib/store/ports.ts';
import { type ProblemKind, parseTrustedKeys, type Report, verifyArchive } from '../../lib/verify/index.ts';
import {
  type Archive,
  type Built,
  buildTrail,
  copyOf,
  ed25519Key,
  KEY,
  LOG,
  leafOf,
  noteOf,
  objectsOf,
  recordLines,
  rootOf,
  segmentName,
  TRAIL,
  type TrailPlan,
  vkeyOf,
} from './archive-builder.ts';

const trust = parseTrustedKeys(vkeyOf(`${LOG}/${TRAIL}`, KEY));
const SIZES = [1, 255, 256, 257, 1000] as const;

/** Some runs and seals on the way to a size, the last record sealed. */
function planOf(size: number): TrailPlan {
  const steps = [0.2, 0.4, 0.55, 0.6, 0.9, 1].map((part) => Math.ceil(part * size));
  const runs = [...new Set(steps)];
  return { runs, seals: [...new Set([runs[1] ?? size, size])].sort((a, b) => a - b) };
}

const built = new Map<number, Built>();
function archiveOf(size: number): Built {
  const known = built.get(size) ?? buildTrail(planOf(size));
  built.set(size, known);
  return known;
}

async function verify(archive: Archive, wrap: (objects: Objects) => Objects = (objects) => objects): Promise<Report> {
  return verifyArchive(wrap(await objectsOf(archive)), { trust });
}

// -------------------------------------------------------------------------------------------- finding and editing

const names = (archive: Archive, pattern: RegExp): string[] =>
  [...archive.keys()].filter((key) => pattern.test(key)).sort();
const SEGMENTS = /\/records\//;
const BUNDLES = /\/tile\/entries\//;
const TILES = /\/tile\/[0-9]/;
const CHECKPOINTS = /\/checkpoints\//;

function pick(archive: Archive, pattern: RegExp, at: 'first' | 'middle' | 'last' = 'middle'): string {
  const found = names(archive, pattern);
  const index = at === 'first' ? 0 : at === 'last' ? found.length - 1 : Math.floor(found.length / 2);
  return found[index] ?? expect.fail(`no object matches ${pattern}`);
}

function bytesOf(archive: Archive, key: string): Buffer {
  return archive.get(key) ?? expect.fail(`there is no ${key}`);
}

function rename(archive: Archive, from: string, to: string): void {
  archive.set(to, bytesOf(archive, from));
  archive.delete(from);
}

/** The segment that holds a record, and that record's place in it. */
function segmentOf(archive: Archive, seq: number): { key: string; at: number } {
  for (const key of names(archive, SEGMENTS)) {
    const [, first, last] = /([0-9]{16})-([0-9]{16})/.exec(key) ?? [];
    if (Number(first) <= seq && seq <= Number(last)) return { key, at: seq - Number(first) };
  }
  return expect.fail(`no segment holds record ${seq}`);
}

function editLines(archive: Archive, key: string, edit: (lines: string[]) => string[]): void {
  const lines = gunzipSync(bytesOf(archive, key)).toString().slice(0, -1).split('\n');
  archive.set(
    key,
    gzipSync(
      edit(lines)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
}

/** Replaces objects by those of an archive of the same plan that was built from other lines. */
function rebuildWith(archive: Archive, size: number, lines: readonly string[], patterns: readonly RegExp[]): void {
  const other = buildTrail({ ...planOf(size), lines }).archive;
  for (const pattern of patterns) for (const key of names(other, pattern)) archive.set(key, bytesOf(other, key));
}

// --------------------------------------------------------------------------------------------------- the damage

interface Damage {
  readonly name: string;
  /** One of these must be among the problems. */
  readonly kinds: readonly ProblemKind[];
  readonly sizes?: readonly number[];
  /** @returns what else the problem must say */
  readonly edit: (archive: Archive, size: number, built: Built) => { object?: string; seq?: number };
  readonly wrap?: (objects: Objects) => Objects;
}

const LARGER = [255, 256, 257, 1000];

const missing: Damage[] = [
  {
    name: 'a segment is missing',
    kinds: ['missing_records'],
    edit: (archive) => {
      const key = pick(archive, SEGMENTS);
      archive.delete(key);
      return { seq: Number(/([0-9]{16})-/.exec(key)?.[1]) };
    },
  },
  {
    name: 'a full bundle is missing',
    kinds: ['missing_bundle'],
    sizes: [256, 257, 1000],
    edit: (archive) => {
      const object = pick(archive, /\/tile\/entries\/[x0-9/]+$/, 'last');
      archive.delete(object);
      return { object };
    },
  },
  {
    name: 'a partial bundle is missing',
    kinds: ['missing_bundle'],
    sizes: [1, 255, 257, 1000],
    edit: (archive) => {
      const object = pick(archive, /\/tile\/entries\/.*\.p\//, 'first');
      archive.delete(object);
      return { object };
    },
  },
  {
    name: 'a full tile is missing',
    kinds: ['missing_tile'],
    sizes: [256, 257, 1000],
    edit: (archive) => {
      const object = pick(archive, /\/tile\/0\/[x0-9/]+$/, 'last');
      archive.delete(object);
      return { object };
    },
  },
  {
    name: 'a partial tile is missing',
    kinds: ['missing_tile'],
    edit: (archive) => {
      const object = pick(archive, /\/tile\/[0-9]\/.*\.p\//, 'last');
      archive.delete(object);
      return { object };
    },
  },
  {
    name: 'a checkpoint is missing',
    kinds: ['missing_checkpoint'],
    sizes: LARGER,
    edit: (archive) => {
      const object = `${TRAIL}/checkpoints/${runsOf(archive)[2]}`;
      archive.delete(object);
      return { object };
    },
  },
  {
    name: 'two consecutive checkpoints are missing',
    kinds: ['missing_checkpoint'],
    sizes: LARGER,
    edit: (archive) => {
      const [, , third, fourth] = runsOf(archive);
      archive.delete(`${TRAIL}/checkpoints/${third}`);
      archive.delete(`${TRAIL}/checkpoints/${fourth}`);
      return { object: `${TRAIL}/checkpoints/${fourth}` };
    },
  },
  {
    name: 'the checkpoint that was sealed last is missing among the archived ones',
    kinds: ['missing_checkpoint'],
    edit: (archive, size) => {
      archive.delete(`${TRAIL}/checkpoints/${size}`);
      return { object: `${TRAIL}/checkpoints/${size}` };
    },
  },
  {
    name: 'the sealed checkpoint is missing after two seals',
    kinds: ['missing_checkpoint'],
    sizes: [255, 257, 1000],
    edit: (archive) => {
      archive.delete(`${TRAIL}/checkpoint`);
      return { object: `${TRAIL}/checkpoint` };
    },
  },
  {
    name: 'the sealed checkpoint is missing after the first seal',
    kinds: ['stale_checkpoint'],
    sizes: [1],
    edit: (archive) => {
      archive.delete(`${TRAIL}/checkpoint`);
      return { object: `${TRAIL}/checkpoint` };
    },
  },
  {
    name: 'a public key is missing',
    kinds: ['missing_key'],
    edit: (archive) => {
      const object = pick(archive, /^keys\/.*vkey/);
      archive.delete(object);
      return { object };
    },
  },
];

/** Sizes of the archived checkpoints, ascending. */
const runsOf = (archive: Archive): number[] =>
  names(archive, CHECKPOINTS)
    .map((key) => Number(key.split('/').at(-1)))
    .sort((a, b) => a - b);

const sorts: readonly (readonly [string, RegExp, ProblemKind])[] = [
  ['segment', SEGMENTS, 'malformed_segment'],
  ['bundle', BUNDLES, 'malformed_bundle'],
  ['tile', TILES, 'malformed_tile'],
  ['checkpoint', CHECKPOINTS, 'malformed_checkpoint'],
  ['sealed checkpoint', /\/checkpoint$/, 'malformed_checkpoint'],
  ['vkey', /\.vkey$/, 'malformed_key'],
  ['PEM', /\.pem$/, 'malformed_key'],
];

const spoiled: Damage[] = sorts.flatMap(([sort, pattern, kind]): Damage[] => [
  {
    name: `a ${sort} is cut short`,
    kinds: [kind],
    edit: (archive) => {
      const object = pick(archive, pattern);
      const bytes = bytesOf(archive, object);
      archive.set(object, bytes.subarray(0, bytes.length - 1 - (bytes.length >> 1)));
      return { object };
    },
  },
  {
    name: `a ${sort} is empty`,
    kinds: [kind],
    edit: (archive) => {
      const object = pick(archive, pattern);
      archive.set(object, Buffer.alloc(0));
      return { object };
    },
  },
  {
    name: `a ${sort} has a byte more`,
    kinds: sort === 'segment' ? ['trailing_bytes'] : [kind],
    edit: (archive) => {
      const object = pick(archive, pattern);
      archive.set(object, Buffer.concat([bytesOf(archive, object), Buffer.from('x')]));
      return { object };
    },
  },
]);

/** A change inside a string of the event, so that the line stays canonical. */
const forge = (line: string): string => line.replace('"id":"user-', '"id":"evil-');

const records: Damage[] = [
  {
    name: 'two records of a segment are swapped',
    kinds: ['wrong_seq'],
    sizes: LARGER,
    edit: (archive) => {
      const { key } = segmentOf(archive, 1);
      editLines(archive, key, ([a = '', b = '', ...rest]) => [b, a, ...rest]);
      return { object: key, seq: 0 };
    },
  },
  {
    name: 'two records of a bundle are swapped',
    kinds: ['record_mismatch'],
    sizes: LARGER,
    edit: (archive) => {
      const object = pick(archive, BUNDLES, 'first');
      const bytes = bytesOf(archive, object);
      const first = 2 + bytes.readUInt16BE(0);
      const second = 2 + bytes.readUInt16BE(first);
      const swapped = [bytes.subarray(first, first + second), bytes.subarray(0, first), bytes.subarray(first + second)];
      archive.set(object, Buffer.concat(swapped));
      return { object, seq: 0 };
    },
  },
  {
    name: 'a record is altered in the segment only',
    kinds: ['record_mismatch'],
    edit: (archive, size) => {
      const seq = Math.floor(size / 2);
      const { key, at } = segmentOf(archive, seq);
      editLines(archive, key, (lines) => lines.map((line, index) => (index === at ? forge(line) : line)));
      return { object: key, seq };
    },
  },
  {
    name: 'a record is altered in segment, bundle and tile, but nothing above',
    kinds: ['tile_mismatch', 'root_mismatch'],
    edit: (archive, size, { lines }) => {
      const seq = Math.floor(size / 2);
      const forged = lines.map((line, at) => (at === seq ? forge(line) : line));
      rebuildWith(archive, size, forged, [SEGMENTS, BUNDLES, /\/tile\/0\//]);
      return {};
    },
  },
  {
    name: 'a record is replaced and everything above it recomputed, but not signed',
    kinds: ['root_mismatch'],
    edit: (archive, size) => {
      const seq = Math.floor(size / 2);
      const forged = recordLines({ ...planOf(size), rewrite: (line, at) => (at === seq ? forge(line) : line) }, size);
      rebuildWith(archive, size, forged, [SEGMENTS, BUNDLES, TILES]);
      const [good = 0] = runsOf(archive)
        .filter((run) => run <= seq)
        .reverse();
      return { seq: good };
    },
  },
  {
    name: 'a record is replaced and everything recomputed, checkpoints too, with the old signatures',
    kinds: ['bad_signature'],
    edit: (archive, size) => {
      const forged = recordLines({ ...planOf(size), rewrite: (line, at) => (at === 0 ? forge(line) : line) }, size);
      rebuildWith(archive, size, forged, [SEGMENTS, BUNDLES, TILES]);
      const leaves = forged.map(leafOf);
      for (const key of [...names(archive, CHECKPOINTS), `${TRAIL}/checkpoint`]) {
        const [origin, run, , ...rest] = bytesOf(archive, key).toString().split('\n');
        const root = rootOf(leaves.slice(0, Number(run))).toString('base64');
        archive.set(key, Buffer.from([origin, run, root, ...rest].join('\n')));
      }
      return {};
    },
  },
  ...(['start', 'middle', 'end'] as const).map(
    (where): Damage => ({
      name: `a record is removed at the ${where}`,
      kinds: ['missing_records'],
      sizes: LARGER,
      edit: (archive, size) => {
        const seq = where === 'start' ? 0 : where === 'end' ? size - 1 : Math.floor(size / 2);
        const { key, at } = segmentOf(archive, seq);
        editLines(archive, key, (lines) => lines.filter((_, index) => index !== at));
        return { object: key, seq };
      },
    }),
  ),
  {
    name: 'the last record is removed everywhere, with its segment named to fit',
    kinds: ['missing_records'],
    sizes: LARGER,
    edit: (archive, size, { receivedAt }) => {
      const { key } = segmentOf(archive, size - 1);
      editLines(archive, key, (lines) => lines.slice(0, -1));
      const first = Number(/([0-9]{16})-/.exec(key)?.[1]);
      rename(archive, key, segmentName(TRAIL, receivedAt(first), first, size - 2));
      return { seq: size - 1 };
    },
  },
  {
    name: 'a record stands twice in a segment',
    kinds: ['wrong_seq'],
    sizes: LARGER,
    edit: (archive, size) => {
      const seq = Math.floor(size / 2);
      const { key, at } = segmentOf(archive, seq);
      editLines(archive, key, (lines) => lines.flatMap((line, index) => (index === at ? [line, line] : [line])));
      return { object: key };
    },
  },
  {
    name: 'a record stands in two segments',
    kinds: ['overlapping_records'],
    edit: (archive, size, { lines, receivedAt }) => {
      const object = segmentName(TRAIL, receivedAt(size - 1), size - 1, size - 1);
      if (archive.has(object)) {
        archive.set(segmentName(TRAIL, receivedAt(0), 0, 1), gzipSync(`${lines[0]}\n${lines[0]}\n`));
        return {};
      }
      archive.set(object, gzipSync(`${lines[size - 1]}\n`));
      return { object, seq: size - 1 };
    },
  },
  {
    name: 'a line is no record',
    kinds: ['malformed_record'],
    edit: (archive, size) => {
      const seq = Math.floor(size / 2);
      const { key, at } = segmentOf(archive, seq);
      editLines(archive, key, (lines) => lines.map((line, index) => (index === at ? '{"no":"record"}' : line)));
      return { object: key, seq };
    },
  },
  {
    name: 'a line is not canonical',
    kinds: ['not_canonical'],
    edit: (archive, size) => {
      const seq = Math.floor(size / 2);
      const { key, at } = segmentOf(archive, seq);
      editLines(archive, key, (lines) =>
        lines.map((line, index) => (index === at ? line.replace(',"id"', ', "id"') : line)),
      );
      return { object: key, seq };
    },
  },
  {
    name: 'a line has no line feed',
    kinds: ['malformed_segment'],
    edit: (archive) => {
      const object = pick(archive, SEGMENTS);
      archive.set(object, gzipSync(gunzipSync(bytesOf(archive, object)).subarray(0, -1)));
      return { object };
    },
  },
  {
    name: 'the archive has one record more than any checkpoint',
    kinds: ['beyond_checkpoint'],
    edit: (archive, size) => {
      const [line = ''] = recordLines(planOf(size), size + 1).slice(-1);
      const object = segmentName(TRAIL, Date.UTC(2026, 10, 21), size, size);
      archive.set(object, gzipSync(`${line}\n`));
      return { object, seq: size };
    },
  },
];

/** Changes that only the holder of the key can make: signed and consistent, and still not what a log may hold. */
const signed: Damage[] = [
  [
    'receivedAt goes back',
    'time_reversed',
    (line: string) => line.replace(/"receivedAt":[0-9]+/, '"receivedAt":1600000000000'),
  ],
  ['a line is not canonical, and signed', 'not_canonical', (line: string) => line.replace('"v":1', '"v":1 ')],
  [
    'a record of another trail',
    'wrong_trail',
    (line: string) => line.replace(`"trail":"${TRAIL}"`, '"trail":"payments"'),
  ],
  [
    'a record that names another before it',
    'broken_chain',
    (line: string) => line.replace(/"prev":"[0-9a-f]{8}/, '"prev":"00c0ffee'),
  ],
  ['a record with another number', 'wrong_seq', (line: string) => line.replace(/"seq":[0-9]+/, '"seq":5000')],
  ['a line that is no record', 'malformed_record', () => 'hello'],
].map(([name, kind, rewrite]): Damage => {
  const change = rewrite as (line: string) => string; // the tuple above
  return {
    name: `${name}`,
    kinds: [kind as ProblemKind], // the tuple above
    sizes: LARGER,
    edit: (archive, size) => {
      const seq = Math.floor(size / 2);
      const plan = { ...planOf(size), rewrite: (line: string, at: number) => (at === seq ? change(line) : line) };
      archive.clear();
      for (const [key, bytes] of buildTrail(plan).archive) archive.set(key, bytes);
      return { seq };
    },
  };
});

const OTHER_KEY = ed25519Key(9);

const checkpoints: Damage[] = [
  {
    name: 'an old checkpoint is put back over the sealed one',
    kinds: ['stale_checkpoint'],
    sizes: LARGER,
    edit: (archive) => {
      archive.set(`${TRAIL}/checkpoint`, bytesOf(archive, `${TRAIL}/checkpoints/${runsOf(archive)[1]}`));
      return { object: `${TRAIL}/checkpoint` };
    },
  },
  {
    name: 'a checkpoint older than several seals is put back',
    kinds: ['rolled_back'],
    sizes: [255, 257, 1000],
    edit: (archive) => {
      archive.set(`${TRAIL}/checkpoint`, bytesOf(archive, `${TRAIL}/checkpoints/${runsOf(archive)[0]}`));
      return { object: `${TRAIL}/checkpoint` };
    },
  },
  ...(['checkpoints', 'checkpoint'] as const).flatMap((place): Damage[] => {
    const objectOf = (size: number): string =>
      place === 'checkpoint' ? `${TRAIL}/checkpoint` : `${TRAIL}/checkpoints/${size}`;
    const forged = (name: string, kind: ProblemKind, make: (size: number, built: Built) => Buffer): Damage => ({
      name: `in ${place}, a checkpoint ${name}`,
      kinds: [kind],
      edit: (archive, size, built) => {
        archive.set(objectOf(size), make(size, built));
        return { object: objectOf(size) };
      },
    });
    return [
      forged('signed by another key', 'unknown_key', (size, { origin, leaves }) =>
        noteOf(origin, size, rootOf(leaves), [OTHER_KEY]),
      ),
      forged('of another trail', 'wrong_origin', (size, { leaves }) =>
        noteOf(`${LOG}/payments`, size, rootOf(leaves), [KEY]),
      ),
      forged('of another log', 'wrong_origin', (size, { leaves }) =>
        noteOf(`other.example.com/${TRAIL}`, size, rootOf(leaves), [KEY]),
      ),
      forged('with another root at the same size', 'fork', (size, { origin }) =>
        noteOf(origin, size, Buffer.alloc(32, 5), [KEY]),
      ),
      forged('whose signature was made over another text', 'bad_signature', (size, { origin, leaves }) => {
        const [, , , ...rest] = noteOf(origin, size, Buffer.alloc(32, 5), [KEY]).toString().split('\n');
        return Buffer.from([origin, size, rootOf(leaves).toString('base64'), ...rest].join('\n'));
      }),
    ];
  }),
  {
    name: 'a checkpoint stands under another size',
    kinds: ['misplaced_checkpoint'],
    sizes: LARGER,
    edit: (archive) => {
      const [first, second] = runsOf(archive);
      archive.set(`${TRAIL}/checkpoints/${first}`, bytesOf(archive, `${TRAIL}/checkpoints/${second}`));
      return { object: `${TRAIL}/checkpoints/${first}` };
    },
  },
  {
    name: "a trail's objects are copied under another trail's name",
    kinds: ['wrong_origin'],
    edit: (archive) => {
      for (const [key, bytes] of [...archive]) {
        if (key.startsWith(`${TRAIL}/`)) archive.set(key.replace(TRAIL, 'payments'), bytes);
      }
      return { object: 'payments/checkpoint' };
    },
  },
  {
    name: 'the records of a copied trail say which one they are of',
    kinds: ['wrong_trail'],
    edit: (archive) => {
      for (const [key, bytes] of [...archive]) {
        if (key.startsWith(`${TRAIL}/`)) archive.set(key.replace(TRAIL, 'payments'), bytes);
      }
      return { seq: 0 };
    },
  },
];

/** Packs 16 MB into 16 KB: more than the first segment of any of the archives may hold. */
const BOMB = gzipSync(Buffer.alloc(16_000_000));

const places: Damage[] = [
  {
    name: 'a segment stands under another date',
    kinds: ['wrong_date'],
    edit: (archive) => {
      const from = pick(archive, SEGMENTS);
      const object = from.replace('dt=2026-11-21', 'dt=2026-11-20');
      rename(archive, from, object);
      return { object };
    },
  },
  {
    name: 'a segment stands under a longer range',
    kinds: ['missing_records'],
    edit: (archive, size) => {
      const { key } = segmentOf(archive, size - 1);
      const first = /([0-9]{16})-/.exec(key)?.[1];
      const object = key.replace(/[0-9]{16}-[0-9]{16}/, `${first}-${String(size).padStart(16, '0')}`);
      rename(archive, key, object);
      return { object, seq: size };
    },
  },
  {
    name: 'a segment stands under a shorter range',
    kinds: ['wrong_range'],
    sizes: LARGER,
    edit: (archive) => {
      const { key } = segmentOf(archive, 0);
      const object = key.replace(/-[0-9]{16}/, `-${'1'.padStart(16, '0')}`);
      rename(archive, key, object);
      return { object };
    },
  },
  {
    name: 'a segment promises more records than it can hold',
    kinds: ['wrong_range'],
    edit: (archive) => {
      const object = `${TRAIL}/records/dt=2026-11-21/0000000000000000-9007199254740991.jsonl.gz`;
      archive.set(object, bytesOf(archive, pick(archive, SEGMENTS)));
      return { object };
    },
  },
  {
    name: 'a segment is a gzip bomb',
    kinds: ['too_large'],
    edit: (archive) => {
      const object = pick(archive, SEGMENTS, 'first');
      archive.set(object, BOMB);
      return { object };
    },
  },
  {
    name: 'a segment has a second gzip member behind',
    kinds: ['trailing_bytes'],
    edit: (archive) => {
      const object = pick(archive, SEGMENTS);
      archive.set(object, Buffer.concat([bytesOf(archive, object), gzipSync('more\n')]));
      return { object };
    },
  },
  ...(
    [
      ['README.txt', 'unknown_object'],
      [`${TRAIL}/records/dt=2026-11-21/notes.txt`, 'unknown_object'],
      [`${TRAIL}/checkpoints/007`, 'unknown_object'],
      [`${TRAIL}/tile/0/x000/000`, 'unknown_object'],
      [`${TRAIL}/tile/0/000.p/0`, 'unknown_object'],
      [`${TRAIL}/records/dt=2026-06-31/0000000000000000-0000000000000000.jsonl.gz`, 'unknown_object'],
      ['keys/backdoor.pem', 'unknown_object'],
      [`${TRAIL}/tile/3/000`, 'beyond_checkpoint'],
      [`${TRAIL}/tile/entries/x001/000`, 'beyond_checkpoint'],
    ] as const
  ).map(
    ([object, kind]): Damage => ({
      name: `there is an object ${object}`,
      kinds: [kind],
      edit: (archive) => {
        archive.set(object, Buffer.from('x'));
        return { object };
      },
    }),
  ),
];

describe.each(SIZES)('damage to an archive of %i records', (size) => {
  const table = [...missing, ...spoiled, ...records, ...signed, ...checkpoints, ...places];
  const rows = table.filter((damage) => (damage.sizes ?? SIZES).includes(size));

  test('there is none to begin with', async () => {
    expect(await verify(archiveOf(size).archive)).toMatchObject({ verdict: 'ok', problems: [] });
  });

  test.each(rows)('$name: $kinds', async ({ kinds, edit }) => {
    const original = archiveOf(size);
    const archive = copyOf(original.archive);
    const where = edit(archive, size, original);
    const report = await verify(archive);
    expect(report.verdict).not.toBe('ok');
    const found = report.problems.filter(({ kind }) => kinds.includes(kind));
    expect({ problems: report.problems, found }).toMatchObject({
      found: expect.arrayContaining([expect.objectContaining(where)]),
    });
    // Whatever was wrong, the whole archive was read: all that is there and fits was counted.
    if (report.trails.length === 1) expect(report.trails[0]?.records).toBeGreaterThanOrEqual(Math.max(0, size - 260));
  });
});
