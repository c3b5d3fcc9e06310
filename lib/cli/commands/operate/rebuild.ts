import type { Standing } from '../../../rebuild/standing.ts';
import type { Rebuilt } from '../../../server/rebuild/rebuild.ts';
import { fingerprintOf } from '../../../verify/evidence/trust.ts';
import { utc } from '../../output/records.ts';
import { labelled, type Output, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { EXIT, type ExitCode } from '../../shell/exit.ts';
import { assertServerNode } from '../../shell/server-node.ts';
import { type Install, withJson } from '../../shell/shell.ts';

interface Options {
  readonly yes?: true;
  readonly replace?: true;
  readonly json?: true;
}

export const installRebuild: Install = (program, shell) => {
  const command = program
    .command('rebuild')
    .argument('<dir>', 'a data folder, whose server is stopped')
    .summary('complete a database from its archive')
    .description(
      'Says which trails of a data folder have less in the database than in the archive, as after a restored copy or a lost file.\n' +
        'With --yes it completes them, and the log goes on after the archived records. What was acknowledged later is lost, and not\n' +
        'known: so a new key signs from then on, and the former one is retired. Put a newer database back instead if there is one.',
    )
    .option('--yes', 'do it (default: only say what would be done)')
    .option(
      '--replace',
      'make a new database where a trail differs from its archive: it takes over what follows the archive, and the former one is kept',
    );
  withJson(command).action(async (dir: string, options: Options) => {
    assertServerNode('sealtrail rebuild');
    shell.exitCode = await (options.yes ? rebuild(shell.terminal, dir, options) : look(shell.terminal, dir, options));
  });
};

/** @returns `wrong` where there is something to rebuild */
async function look({ stdout }: Terminal, dir: string, { json }: Options): Promise<ExitCode> {
  const { readStandings } = await import('../../../server/rebuild/standings.ts');
  const standings = await readStandings(dir);
  const wrong = standings.filter(({ state }) => state !== 'whole');
  if (json) {
    const trails = wrong.map(({ trail, head, archived, state }) => ({ trail, state, database: head.size, archived }));
    await write(stdout, `${JSON.stringify({ trails })}\n`);
  } else if (wrong.length === 0) await write(stdout, nothingToDo(standings.length));
  else await writeLines(stdout, [...wrong.flatMap((one) => standingLines(one, stdout)), '', ...advice(wrong)]);
  return wrong.length === 0 ? EXIT.ok : EXIT.wrong;
}

const nothingToDo = (trails: number): string =>
  `The database holds all that is archived of ${plural(trails, 'trail')}: there is nothing to rebuild.\n`;

function standingLines({ trail, state, head, archived }: Standing, out: Output): string[] {
  const has = `${trail}: ${plural(head.size, 'record')} in the database, ${archived} in the archive`;
  return labelled(out, state === 'behind' ? 'yellow' : 'red', state, has);
}

function advice(wrong: readonly Standing[]): string[] {
  const differs = wrong.some(({ state }) => state === 'differs');
  return [
    'If there is a newer database, with its -wal file, put that back. Otherwise, with a copy of this folder at hand:',
    `  sealtrail rebuild DIR --yes${differs ? ' --replace' : ''}`,
  ];
}

async function rebuild({ stdout }: Terminal, dir: string, { replace, json }: Options): Promise<ExitCode> {
  const { rebuildFolder } = await import('../../../server/rebuild/rebuild.ts');
  const rebuilt = await rebuildFolder(dir, { replace: replace === true });
  if (rebuilt === undefined) await write(stdout, json ? '{"trails":[]}\n' : nothingToDo(0));
  else if (json) await write(stdout, `${JSON.stringify(shown(rebuilt))}\n`);
  else await writeLines(stdout, rebuiltLines(rebuilt, stdout));
  return EXIT.ok;
}

const shown = ({ keys: { spki, trust }, ...rebuilt }: Rebuilt): object => ({
  ...rebuilt,
  key: { fingerprint: fingerprintOf(spki), trust },
});

const RECALLED_FROM = { order: 'as `_system` says', objects: 'since its archived files are held' } as const;

function rebuiltLines({ trails, holds, replaced, keys }: Rebuilt, out: Output): string[] {
  return [
    ...trails.flatMap(({ trail, before, size }) =>
      labelled(out, 'green', 'rebuilt', `${trail}: records ${before} to ${size - 1}; it goes on with record ${size}`),
    ),
    ...trails.flatMap(({ trail, size, receivedAt }) =>
      labelled(
        out,
        'yellow',
        'lost   ',
        `${trail}: what was acknowledged after record ${size - 1}, received ${utc(receivedAt)} UTC, if anything was`,
      ),
    ),
    ...holds.flatMap(({ trail, held, from }) =>
      labelled(
        out,
        'green',
        'hold   ',
        `${trail}: ${held ? 'under legal hold' : 'no longer under legal hold'}, ${RECALLED_FROM[from]}`,
      ),
    ),
    ...(replaced?.carried ?? []).flatMap(({ trail, from, to, became }) => {
      const which = `${trail}: records ${from} to ${to - 1} of the former database`;
      if (became === 'taken') return labelled(out, 'green', 'taken  ', `${which} follow the archive`);
      return labelled(out, 'red', 'left   ', `${which} are of another history, and only there`);
    }),
    ...(replaced === undefined ? [] : labelled(out, 'green', 'kept   ', `the former database, as ${replaced.file}`)),
    '',
    `A new key signs from now on. SHA-256 fingerprint: ${fingerprintOf(keys.spki)}`,
    'Publish it, and tell verifiers what was lost. Lines for their key files, in place of those that they have:',
    '',
    ...keys.trust,
  ];
}
