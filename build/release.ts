import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findProblems } from './release-checks.ts';

/**
 * Publishes both packages under the version of the tag that is checked out, with provenance: `npm run release`, in the workflow
 * `.github/workflows/release.yml`. With `--dry-run` it does all but publish, and says what would keep it from that.
 */

const ROOT = resolve(import.meta.dirname, '..');
const isDryRun = process.argv.includes('--dry-run');
const run = (command: string, args: readonly string[], cwd = ROOT): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { GITHUB_REF_NAME, GITHUB_REPOSITORY, GITHUB_SERVER_URL } = process.env;
const problems = findProblems({
  tag: GITHUB_REF_NAME ?? (run('git', ['tag', '--points-at', 'HEAD', '--list', 'v*']).split('\n')[0] || 'none'),
  whole: read('package.json'),
  client: read('packages/client/package.json'),
  lock: read('package-lock.json'),
  changelog: read('CHANGELOG.md'),
  isDirty: run('git', ['status', '--porcelain']) !== '',
  repository: GITHUB_REPOSITORY && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`,
});
for (const problem of problems) say(`problem: ${problem}`);
if (problems.length > 0 && !isDryRun) throw new Error('nothing was published');

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-release-'));
try {
  const pack = (from: string, ...flags: string[]): string => {
    const made = run('npm', ['pack', '--json', ...flags, '--pack-destination', folder], from);
    return join(folder, JSON.parse(made.replace(/^[^[]*/, ''))[0].filename);
  };
  // Both from one build: packing the whole builds it.
  const tarballs = [pack(ROOT), pack(join(ROOT, 'packages/client'), '--ignore-scripts')];
  // A release candidate must not become what `npm install` gets.
  const channel = JSON.parse(read('package.json')).version.includes('-') ? 'next' : 'latest';
  const how = isDryRun ? ['--dry-run'] : ['--provenance'];
  for (const tarball of tarballs) {
    run('npm', ['publish', tarball, '--access', 'public', '--tag', channel, ...how]);
    say(`${isDryRun ? 'would publish' : 'published'} ${tarball.split('/').at(-1)} as ${channel}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
