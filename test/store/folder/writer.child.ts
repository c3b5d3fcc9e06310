// Puts and replaces objects until it is killed, and says which ones were acknowledged.
import { writeSync } from 'node:fs';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { keyOf, numbered } from './numbered.ts';

const [folder = '', first = '1'] = process.argv.slice(2);
const objects = await FolderObjects.open(folder);

async function write(lane: number): Promise<void> {
  for (let n = Number(first) + lane; ; n += 3) {
    await objects.put(keyOf(n), numbered(n));
    writeSync(1, `put ${n}\n`);
    if (lane === 0) {
      await objects.replace('t/checkpoint', numbered(n));
      writeSync(1, `replaced ${n}\n`);
    }
  }
}

await Promise.all([0, 1, 2].map(write));
