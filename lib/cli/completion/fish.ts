import { type Completed, type CompletedCommand, flat } from './tree.ts';

/** The completion for fish 3 and later: `sealtrail completion fish | source`. */
export function fishCompletion(program: CompletedCommand): string {
  const lines = flat(program).flatMap((command) => [
    ...(command.words === 'file' ? [`${start(command)} -F`] : []),
    ...command.commands.map(({ path, help }) => `${start(command)} -a ${quoted(path.at(-1) ?? '')} -d ${quoted(help)}`),
    ...(command.commands.length === 0 && typeof command.words !== 'string'
      ? [`${start(command)} -a ${quoted(command.words.join(' '))}`]
      : []),
    ...command.options.map(
      ({ names, help, value }) => `${start(command)} ${names.map(flag).join(' ')}${offer(value)} -d ${quoted(help)}`,
    ),
  ]);
  return `# Completion of sealtrail for fish: sealtrail completion fish | source
complete -c sealtrail -f
${lines.join('\n')}
`;
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** The beginning of a line that holds where this command has been named, and none of those below it. */
function start({ path, commands }: CompletedCommand): string {
  const below = commands.map((command) => command.path.at(-1)).join(' ');
  const named = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const conditions = [...named, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])];
  return `complete -c sealtrail -n ${quoted(conditions.join('; and '))}`;
}

const flag = (name: string): string => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`);

function offer(value: Completed | undefined): string {
  if (value === undefined) return '';
  if (value === 'file') return ' -r -F';
  return value === 'anything' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}
