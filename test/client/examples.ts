import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The examples in the docstrings of a folder of sources. */
export interface Example {
  readonly file: string;
  /** What the docstring is of: `query`, `createAuditLogger`, … */
  readonly of: string;
  readonly code: string;
}

export function examplesIn(folder: string): Example[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((file) => {
      const source = readFileSync(join(folder, file), 'utf8');
      return [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*?@example[\s\S]*?)\*\/\s*(.*)/g)].map(
        ([, text = '', declaration = '']) => ({
          file,
          of: /(?:(?:export|async|abstract|function|class|get)\s+|\*)*(\w+)/.exec(declaration)?.[1] ?? '',
          code: codeOf(text),
        }),
      );
    });
}

/** From the tag to the end, or to the next tag. */
function codeOf(text: string): string {
  const lines = text
    .replace(/\s+$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''));
  const after = lines.join('\n').replace(/^[\s\S]*?@example/, '');
  return after.replace(/^@\w[\s\S]*$/m, '').trim();
}
