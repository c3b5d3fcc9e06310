import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/quickstarts.md'), 'utf8');

/** The commands that docs/quickstarts.md shows first under a heading. */
export function commandsOf(heading: string): string {
  const section = PAGE.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0];
  const commands = /^```sh\n(.*?)^```$/ms.exec(section ?? '')?.[1];
  if (commands === undefined) throw new RangeError(`docs/quickstarts.md has no commands for ${heading}`);
  return commands;
}

/** The files that it shows, by their path in the repository: a path, and the block after it. */
export function shownFiles(): Map<string, string> {
  const shown = PAGE.matchAll(/^`(examples\/\S+)`[^\n]*:\n\n```\w+\n(.*?)^```$/gms);
  return new Map([...shown].map(([, name = '', code = '']) => [name, code]));
}
