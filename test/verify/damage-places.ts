import { gzipSync } from 'node:zlib';
import { TRAIL } from './archive-builder.ts';
import { bytesOf, type Damage, LARGER, pick, rename, SEGMENTS, segmentOf } from './damage.ts';

/** Objects where none should be, and names that lie. */

/** Packs 16 MB into 16 KB: more than the first segment of any of the archives may hold. */
const BOMB = gzipSync(Buffer.alloc(16_000_000));

export const places: Damage[] = [
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
