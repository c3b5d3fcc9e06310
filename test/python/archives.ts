import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseTrustedKeys, verifyArchive } from '../../lib/verify/index.ts';
import {
  type Archive,
  buildTrail,
  copyOf,
  KEY,
  LOG,
  objectsOf,
  p256Key,
  type TestKey,
  vkeyOf,
} from '../verify/archive-builder.ts';

/** An archive on disk, and what our verifier says of it. */
export interface JudgedArchive {
  readonly name: string;
  readonly folder: string;
  readonly keyFile: string;
  readonly verdict: string;
  readonly kinds: readonly string[];
}

/** Plans that differ in what matters to tiles, bundles, segments and seals, with both sorts of keys. */
const PLANS: readonly (readonly [TestKey, readonly number[], readonly number[]])[] = [
  [KEY, [1], [1]],
  [KEY, [1, 90, 256, 300, 515], [1, 300, 515]],
  [p256Key(3), [100, 257, 600], [100, 600]],
  [KEY, [40, 180, 181, 260], [180]],
  [p256Key(4), [300, 512, 1000], [300, 512]],
];

type Edit = (archive: Archive, object: string, other: string, n: number) => void;

const bytesOf = (archive: Archive, object: string): Buffer => archive.get(object) ?? Buffer.alloc(0);

const EDITS: Readonly<Record<string, Edit>> = {
  flipped(archive, object, _, n) {
    const bytes = Buffer.from(bytesOf(archive, object));
    const at = n % bytes.length;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (n & 7));
    archive.set(object, bytes);
  },
  deleted: (archive, object) => void archive.delete(object),
  cut(archive, object, _, n) {
    const bytes = bytesOf(archive, object);
    archive.set(object, bytes.subarray(0, n % bytes.length));
  },
  extended: (archive, object, _, n) =>
    void archive.set(object, Buffer.concat([bytesOf(archive, object), Buffer.from([n & 255])])),
  replaced: (archive, object, other) => void archive.set(object, bytesOf(archive, other)),
  swapped(archive, object, other) {
    const bytes = bytesOf(archive, object);
    archive.set(object, bytesOf(archive, other));
    archive.set(other, bytes);
  },
  copied: (archive, object, _, n) => void archive.set(`${object}${n % 10}`, bytesOf(archive, object)),
  renamed(archive, object, _, n) {
    archive.set(object.replace(/[0-9](?=[^0-9]*$)/, String(n % 10)), bytesOf(archive, object));
    archive.delete(object);
  },
  filled(archive, object, _, n) {
    const bytes = Buffer.from(bytesOf(archive, object));
    const at = n % bytes.length;
    bytes.fill(n & 255, at, Math.min(bytes.length, at + 1 + (n % 7)));
    archive.set(object, bytes);
  },
};

/** Archives as they should be, and `count` that were edited, each written to a folder and judged by our verifier. */
export async function* judgedArchives(work: string, count: number): AsyncGenerator<JudgedArchive> {
  const random = sequence(20_261_130);
  for (const [plan, [key, runs, seals]] of PLANS.entries()) {
    const { archive } = buildTrail({ runs, seals, keys: [key] });
    yield judge(join(work, `good-${plan}`), `archive ${plan}, as it was`, archive, key, plan % 2 === 0);
    const names = [...archive.keys()].sort();
    for (let i = 0; i < count / PLANS.length; i++) {
      const [what = '', edit] = Object.entries(EDITS)[i % Object.keys(EDITS).length] ?? [];
      const object = names[random() % names.length] ?? '';
      const other = names[random() % names.length] ?? '';
      const edited = copyOf(archive);
      edit?.(edited, object, other, random());
      yield judge(join(work, `${plan}-${i}`), `archive ${plan}, ${object} ${what}`, edited, key, i % 2 === 0);
    }
  }
}

async function judge(
  folder: string,
  name: string,
  archive: Archive,
  key: TestKey,
  isPem: boolean,
): Promise<JudgedArchive> {
  for (const [object, bytes] of archive) {
    mkdirSync(dirname(join(folder, object)), { recursive: true });
    writeFileSync(join(folder, object), bytes);
  }
  const keyText = isPem ? key.pem : `${vkeyOf(`${LOG}/orders`, key)}\n`;
  const keyFile = `${folder}.key`;
  writeFileSync(keyFile, keyText);
  const { verdict, problems } = await verifyArchive(await objectsOf(archive), { trust: parseTrustedKeys(keyText) });
  return { name, folder, keyFile, verdict, kinds: [...new Set(problems.map(({ kind }) => kind))].sort() };
}

/** The same numbers in each run: a linear congruential generator (Numerical Recipes). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 3;
  };
}
