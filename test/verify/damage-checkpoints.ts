import type { ProblemKind } from '../../lib/verify/index.ts';
import { type Built, ed25519Key, KEY, LOG, noteOf, rootOf, TRAIL } from './archive-builder.ts';
import { bytesOf, type Damage, LARGER, runsOf } from './damage.ts';

/** Checkpoints that were put back, forged or moved. */

const OTHER_KEY = ed25519Key(9);

export const checkpoints: Damage[] = [
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
