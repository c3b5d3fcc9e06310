import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProblems, notesOf, type Release } from '../../build/release-checks.ts';

const ROOT = join(import.meta.dirname, '../..');
const REPOSITORY = 'https://github.com/example/sealtrail';

interface Changes {
  readonly whole?: object;
  readonly client?: object;
  readonly lock?: object;
  readonly release?: Partial<Release>;
}

/** A release that is right, but for the changes. */
function releaseWith({ release, ...files }: Changes = {}): Release {
  const right = { version: '1.2.3', repository: { type: 'git', url: `git+${REPOSITORY}.git` } };
  const text = (name: 'whole' | 'client' | 'lock') => JSON.stringify({ name, ...right, ...files[name] });
  const changelog = '# Changelog\n\n## Unreleased\n\n## 1.2.3 (2026-11-30)\n\n- A thing.\n\n## 1.2.2\n\n- Another.\n';
  const of = { whole: text('whole'), client: text('client'), lock: text('lock') };
  return { tag: 'v1.2.3', changelog, isDirty: false, repository: REPOSITORY, ...of, ...release };
}

describe('a release', () => {
  it('of one version everywhere, with its notes, is published', () => {
    expect(findProblems(releaseWith())).toEqual([]);
    expect(findProblems(releaseWith({ release: { repository: undefined }, whole: { repository: undefined } }))).toEqual(
      [],
    );
  });

  it.each<readonly [string, Changes, string]>([
    ['a tag of another version', { release: { tag: 'v1.2.4' } }, 'the tag is v1.2.4, and package.json says 1.2.3'],
    ['a client of another version', { client: { version: '1.2.2' } }, 'packages/client/package.json says 1.2.2'],
    ['a lock file of another version', { lock: { version: '1.2.2' } }, 'package-lock.json says 1.2.2'],
    [
      'no notes',
      { release: { changelog: '## Unreleased\n\n## 1.2.3\n\n## 1.2.2\n\n- A.\n' } },
      'says nothing under "## 1.2.3"',
    ],
    [
      'notes that are not under the version',
      { release: { changelog: '## Unreleased\n\n- A.\n\n## 1.2.3\n\n- B.\n' } },
      'Unreleased',
    ],
    ['changes that are in no commit', { release: { isDirty: true } }, 'the work tree differs'],
    ['another repository', { client: { repository: { url: 'https://github.com/a/b' } } }, 'the repository of client'],
  ])('with %s is not', (_, changes, problem) => {
    expect(findProblems(releaseWith(changes))).toEqual([expect.stringContaining(problem)]);
  });

  it('is published by a workflow that runs the gate first, and has no secret', () => {
    const workflow = readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8');
    const steps = [...workflow.matchAll(/- run: (.*)/g)].map(([, command]) => command);
    expect(steps).toEqual(['.ci/run', 'npm run release']);
    expect(workflow).toContain('id-token: write');
    expect(workflow).not.toContain('secrets.');
  });

  it('takes its notes from the changelog of this repository', () => {
    expect(notesOf(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), '0.1.0')).toContain('The first version');
  });
});
