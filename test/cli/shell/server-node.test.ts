import { afterEach, beforeEach, expect, it } from 'vitest';
import { cli } from '../in-process.ts';

const { node } = process.versions;
beforeEach(() => {
  Object.defineProperty(process.versions, 'node', { value: '20.18.0' });
});
afterEach(() => {
  Object.defineProperty(process.versions, 'node', { value: node });
});

it.each([
  ['sealtrail serve', ['serve', '--data', '/nowhere']],
  ['sealtrail init', ['init', '--data', '/nowhere']],
  ['sealtrail demo', ['demo']],
  ['sealtrail rebuild', ['rebuild', '/nowhere']],
  ['sealtrail keys rotate', ['keys', 'rotate', '--data', '/nowhere']],
  ['sealtrail keys retire', ['keys', 'retire', '--data', '/nowhere']],
  ['sealtrail doctor DIR', ['doctor', '/nowhere']],
])('"%s" says which Node it takes, before it looks for what an older one does not have', async (command, args) => {
  expect(await cli(args)).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(
      `"${command}" opens a log's database, which takes Node 24 or newer, and this is Node 20.18.0. `,
    ),
  });
});
