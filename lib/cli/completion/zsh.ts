import { type Completed, type CompletedCommand, flat } from './tree.ts';

/** The completion for zsh 5 and later: `source <(sealtrail completion zsh)`, or as the file `_sealtrail` in its `$fpath`. */
export function zshCompletion(program: CompletedCommand): string {
  const commands = flat(program);
  const nested = commands.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [
            branch(
              names.map((name) => [...path, name].join(' ')),
              offer(value),
            ),
          ],
    ),
  );
  const words = commands.map((command) => branch([command.path.join(' ')], describe(command)));
  return `#compdef sealtrail
# Completion of sealtrail for zsh: source <(sealtrail completion zsh)
_sealtrail() {
  local before=\${words[CURRENT-1]} command='' at
  local -a named flags
  for ((at = 2; at < CURRENT; at++)); do
    case "\${command:+$command }\${words[at]}" in
      ${nested.join(' | ')}) command="\${command:+$command }\${words[at]}" ;;
      *) break ;;
    esac
  done
  case "\${command:+$command }$before" in
${values.join('\n')}
  esac
  case "$command" in
${words.join('\n')}
  esac
}
if [ "$funcstack[1]" = _sealtrail ]; then _sealtrail; else compdef _sealtrail sealtrail; fi
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const branch = (patterns: readonly string[], then: string): string =>
  `    ${patterns.map(quoted).join(' | ')}) ${then} ;;`;

function offer(value: Completed): string {
  if (value === 'file') return '_files; return';
  return value === 'anything' ? 'return' : `compadd -- ${value.join(' ')}; return`;
}

/** Fills the two lists, whose entries are `word:what it is`, and shows them. */
function describe({ options, words, commands }: CompletedCommand): string {
  const entry = (word: string, help: string): string => quoted(`${word}:${help.replaceAll(':', '\\:')}`);
  const flags = options.flatMap(({ names, help }) => names.map((name) => entry(name, help)));
  const list = `flags=(${flags.join(' ')}); _describe -o option flags`;
  if (words === 'file') return `${list}; _files`;
  if (words === 'anything') return list;
  const named = commands.map(({ path, help }) => entry(path.at(-1) ?? '', help));
  const all = named.length > 0 ? named : words.map(quoted);
  return `named=(${all.join(' ')}); _describe command named; ${list}`;
}
