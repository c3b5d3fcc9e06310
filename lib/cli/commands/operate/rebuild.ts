import { SealtrailError } from '../../../log/error.ts';
import type { Standing } from '../../../rebuild/standing.ts';
import type { Rebuilt } from '../../../server/rebuild/rebuild.ts';
import { fingerprintOf, keysOfCheckpoint } from '../../../verify/evidence/trust.ts';
import { utc } from '../../output/records.ts';
import { labelled, type Output, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { openObjects } from '../../shell/archive-source.ts';
import { EXIT, type ExitCode } from '../../shell/exit.ts';
import { assertServerNode } from '../../shell/server-node.ts';
import { type Install, withJson } from '../../shell/shell.ts';
import { readTrust } from '../../shell/trust.ts';

interface Options {
  readonly table?: string;
  readonly key?: string;
  readonly yes?: true;
  readonly replace?: true;
  readonly json?: true;
}

export const installRebuild: Install = (program, shell) => {
  const command = program
    .command('rebuild')
    .argument('<dir>', 'a data folder, whose server is stopped; or s3://bucket, the archive of a log on AWS')
    .summary('complete a database from its archive')
    .description(
      'Says which trails of a data folder have less in the database than in the archive, as after a restored copy or a lost file.\n' +
        'With --yes it completes them, and the log goes on after the archived records. What was acknowledged later is lost, and not\n' +
        'known: so a new key signs from then on, and the former one is retired. Put a newer database back instead if there is one.\n' +
        'On AWS it completes the table of --table; docs/operations.md says what to do before and after.',
    )
    .option('--table <name>', 'with s3://bucket: the table of the log, whose functions are stopped')
    .option('--key <file>', 'with s3://bucket: the public keys of the log, a key file as for `sealtrail verify`')
    .option('--yes', 'do it (default: only say what would be done)')
    .option(
      '--replace',
      'make a new database where a trail differs from its archive: it takes over what follows the archive, and the former one is kept',
    );
  withJson(command).action(async (dir: string, options: Options) => {
    assertServerNode('sealtrail rebuild');
    if (dir.startsWith('s3://')) {
      shell.exitCode = await rebuildOnAws(shell.terminal, dir, options);
      return;
    }
    if (options.table !== undefined || options.key !== undefined) {
      throw new SealtrailError(
        'usage',
        '--table and --key go with the archive of a log on AWS: sealtrail rebuild s3://bucket',
      );
    }
    shell.exitCode = await (options.yes ? rebuild(shell.terminal, dir, options) : look(shell.terminal, dir, options));
  });
};

/** @returns `wrong` where there is something to rebuild */
async function look({ stdout }: Terminal, dir: string, { json }: Options): Promise<ExitCode> {
  const { readStandings } = await import('../../../server/rebuild/standings.ts');
  const standings = await readStandings(dir);
  return tellStandings(stdout, standings, { json, advice });
}

async function tellStandings(
  stdout: Output,
  standings: readonly Standing[],
  {
    json,
    advice,
  }: { readonly json: true | undefined; readonly advice: (wrong: readonly Standing[]) => readonly string[] },
): Promise<ExitCode> {
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

/** @returns `wrong` where there is something to rebuild, and it was not to be done */
async function rebuildOnAws(
  { stdout }: Terminal,
  archive: string,
  { table: name, key, yes, json }: Options,
): Promise<ExitCode> {
  if (name === undefined || key === undefined) {
    throw new SealtrailError('usage', 'say which table to complete, --table NAME, and the keys of the log, --key FILE');
  }
  const trust = await readTrust(key);
  const [{ rebuildTable, standingsOf }, { DynamoTable }, { dynamoClient }] = await Promise.all([
    import('../../../server/rebuild/rebuild-table.ts'),
    import('../../../store/dynamodb/table.ts'),
    import('../../../store/aws-clients.ts'),
  ]);
  const objects = await openObjects(archive);
  const table = new DynamoTable({ client: dynamoClient(), tableName: name });
  try {
    if (!yes) return await tellStandings(stdout, await standingsOf({ table, objects }), { json, advice: adviceOnAws });
    const verifiers = (origin: string, size: number) => keysOfCheckpoint(trust, origin, size);
    const rebuilt = await rebuildTable({ table, objects, verifiers, keys: trust.map(({ spki }) => spki) });
    if (json) await write(stdout, `${JSON.stringify(rebuilt ?? { trails: [], holds: [] })}\n`);
    else if (rebuilt === undefined) await write(stdout, nothingToDo(0));
    else await writeLines(stdout, [...trailLines(rebuilt, stdout), '', ...NEXT_ON_AWS]);
    return EXIT.ok;
  } finally {
    await Promise.all([table.close(), objects.close()]);
  }
}

const adviceOnAws = (): readonly string[] => [
  'If the table can be restored to a later second, do that. Otherwise, once the functions are stopped (docs/operations.md):',
  '  sealtrail rebuild s3://BUCKET --table NAME --key FILE --yes',
];

const NEXT_ON_AWS = [
  'No key may sign two histories. Before the functions run again, deploy with one key more and those before it retired:',
  '  npx cdk deploy ... -c signingKeys=2 -c retiredKeys=1',
];

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

function trailLines({ trails, holds }: Pick<Rebuilt, 'trails' | 'holds'>, out: Output): string[] {
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
  ];
}

function rebuiltLines({ replaced, keys, ...rebuilt }: Rebuilt, out: Output): string[] {
  return [
    ...trailLines(rebuilt, out),
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
