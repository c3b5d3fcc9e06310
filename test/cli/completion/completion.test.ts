import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../in-process.ts';

/** The scripts are run by the shells that they are for, where these are installed: bash is everywhere. */

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealtrail-completion-'));
  writeFileSync(join(folder, 'a key.pem'), '');
  for (const shell of SHELLS) {
    const { code, stdout, stderr } = await cli(['completion', shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    writeFileSync(join(folder, `completion.${shell}`), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What asks a shell for what could follow a line; prints a candidate a line. */
const ASK: Readonly<Record<Shell, (line: string) => readonly string[]>> = {
  bash: (line) => [
    '--norc',
    '-c',
    `source completion.bash; COMP_WORDS=(${words(line)}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _sealtrail; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  // The editor's own functions are there only while someone types: these print what they are given.
  zsh: (line) => [
    '-f',
    '-c',
    `compdef() { : }; _files() { print -l -- *(N) }; compadd() { shift; print -l -- $@ }
    _describe() { local list=\${@[-1]}; print -l -- \${\${(P)list}%%:*} }
    source ./completion.zsh; words=(${words(line)}); CURRENT=\${#words}; _sealtrail`,
  ],
  fish: (line) => ['--no-config', '-c', `source completion.fish; complete -C '${line}' | string replace -r '\\t.*' ''`],
};

/** The last word of a line may be empty. */
const words = (line: string): string =>
  line
    .split(' ')
    .map((word) => `'${word}'`)
    .join(' ');

const isInstalled = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

describe.each(SHELLS.filter(isInstalled))('the completion for %s', (shell) => {
  const offered = (line: string): string[] => {
    const { stdout, stderr } = spawnSync(shell, ASK[shell](line), { cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    const last = line.split(' ').at(-1) ?? '';
    return stdout.split('\n').filter((word) => word !== '' && word.startsWith(last));
  };

  it('knows the commands, and what begins alike', () => {
    expect(offered('sealtrail ')).toEqual(expect.arrayContaining(['serve', 'query', 'verify', 'keys', 'completion']));
    expect(offered('sealtrail verify-').sort()).toEqual([
      'verify-answer',
      'verify-export',
      'verify-proof',
      'verify-receipt',
      'verify-stream',
      'verify-trail',
    ]);
  });

  it('knows the options of a command, those of no other, and those of a command below it', () => {
    expect(offered('sealtrail query --act').sort()).toEqual(['--action', '--actor', '--actor-type']);
    expect(offered('sealtrail serve --act')).toEqual([]);
    expect(offered('sealtrail keys --ex')).toEqual(['--export']);
    expect(offered('sealtrail keys r').sort()).toEqual(['retire', 'rotate']);
    expect(offered('sealtrail keys rotate --d')).toEqual(['--data']);
  });

  it('knows what a value may be: one of a few, a type of events, a file, or anything', () => {
    expect(offered('sealtrail query orders --order ').sort()).toEqual(['newest', 'oldest']);
    expect(offered('sealtrail query orders --severity w')).toEqual(['warning']);
    expect(offered('sealtrail query orders --type auth.login_')).toContain('auth.login_failed');
    expect(offered('sealtrail verify copy --key ')).toContain('a key.pem');
    expect(offered('sealtrail query orders --actor ')).toEqual([]);
    expect(offered('sealtrail completion ').sort()).toEqual(expect.arrayContaining(['bash', 'fish', 'zsh']));
  });

  it('offers files where a command takes them, and only there', () => {
    const file = 'a key.pem';
    expect(offered('sealtrail inspect ')).toContain(file);
    expect(offered('sealtrail query ')).not.toContain(file);
  });
});

it('a shell that there is not is refused', async () => {
  expect(await cli(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bash, zsh, fish'),
  });
});
