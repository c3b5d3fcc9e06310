import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandsOf, shownFiles } from './quickstarts.ts';

/** The page shows what the examples are; `npm run test:examples` runs its commands. */

const ROOT = join(import.meta.dirname, '../..');

describe('docs/quickstarts.md', () => {
  it('shows the files of the examples as they are', () => {
    const files = shownFiles();
    expect([...files.keys()]).toEqual([
      'examples/node/index.mjs',
      'examples/python/requirements.txt',
      'examples/python/append.py',
      'examples/go/main.go',
      'examples/java/src/main/java/Append.java',
      'examples/curl/append.sh',
    ]);
    for (const [name, code] of files) expect([name, code]).toEqual([name, readFileSync(join(ROOT, name), 'utf8')]);
  });

  it('has commands for every language, which start files that are there', () => {
    for (const heading of ['Node', 'Python', 'Go', 'Java', 'curl']) {
      const commands = commandsOf(heading);
      const files = commands.match(/[\w.]+\.(mjs|py|sh|txt)/g) ?? [];
      expect([
        heading,
        files.filter((file) => !existsSync(join(ROOT, 'examples', heading.toLowerCase(), file))),
      ]).toEqual([heading, []]);
    }
  });
});
