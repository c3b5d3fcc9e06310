import type { ProblemKind } from '../../lib/verify/index.ts';
import { TRAIL } from './archive-builder.ts';
import { BUNDLES, bytesOf, CHECKPOINTS, type Damage, LARGER, pick, runsOf, SEGMENTS, TILES } from './damage.ts';

/** Objects that are gone, cut short, empty or too long. */

export const missing: Damage[] = [
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

const sorts: readonly (readonly [string, RegExp, ProblemKind])[] = [
  ['segment', SEGMENTS, 'malformed_segment'],
  ['bundle', BUNDLES, 'malformed_bundle'],
  ['tile', TILES, 'malformed_tile'],
  ['checkpoint', CHECKPOINTS, 'malformed_checkpoint'],
  ['sealed checkpoint', /\/checkpoint$/, 'malformed_checkpoint'],
  ['vkey', /\.vkey$/, 'malformed_key'],
  ['PEM', /\.pem$/, 'malformed_key'],
];

export const spoiled: Damage[] = sorts.flatMap(([sort, pattern, kind]): Damage[] => [
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
