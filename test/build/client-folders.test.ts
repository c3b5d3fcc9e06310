import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { CLIENT_FOLDERS } from '../../build/client-folders.ts';

const LIB = join(import.meta.dirname, '../../lib');

it('the client imports from no other folders than those that are built for it', () => {
  const found = new Set<string>();
  const waiting = readdirSync(join(LIB, 'client'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(LIB, 'client', name));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.{1,2}\/[^']+)'/g)) {
      waiting.push(join(dirname(file), name));
    }
  }
  const folders = new Set([...found].map((file) => relative(LIB, file).split('/')[0] ?? ''));
  expect([...folders].sort()).toEqual([...CLIENT_FOLDERS].sort());
});
