import { gunzipSync, gzipSync } from 'node:zlib';
import type { ProblemKind } from '../../lib/verify/index.ts';
import { buildTrail, leafOf, recordLines, rootOf, segmentName, TRAIL } from './archive-builder.ts';
import {
  BUNDLES,
  bytesOf,
  CHECKPOINTS,
  type Damage,
  editLines,
  LARGER,
  names,
  pick,
  planOf,
  rebuildWith,
  rename,
  runsOf,
  SEGMENTS,
  segmentOf,
  TILES,
} from './damage.ts';

/** Records that were changed, moved, removed or added. */

/** A change inside a string of the event, so that the line stays canonical. */
const forge = (line: string): string => line.replace('"id":"user-', '"id":"evil-');

export const records: Damage[] = [
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
export const signed: Damage[] = [
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
  ['a record from no one', 'malformed_record', (line: string) => line.replace('"submitter":"app"', '"submitter":""')],
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
