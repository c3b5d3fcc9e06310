import { type Completed, type CompletedCommand, flat } from './tree.ts';

/** The completion for bash 3.2 and later: `source <(sealtrail completion bash)`. */
export function bashCompletion(program: CompletedCommand): string {
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
  const words = commands.map(({ path, options, words: besides }) => {
    const names = options.flatMap((option) => option.names).join(' ');
    const more = typeof besides === 'string' ? '' : ` ${besides.join(' ')}`;
    const files = besides === 'file' ? '; [[ $current == -* ]] || _sealtrail_files' : '';
    return branch([path.join(' ')], `_sealtrail_words '${names}${more}'${files}`);
  });
  return `# Completion of sealtrail for bash: source <(sealtrail completion bash)
_sealtrail_words() {
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}
_sealtrail_files() {
  local IFS=$'\\n'
  COMPREPLY+=($(compgen -f -- "$current"))
  compopt -o filenames 2>/dev/null
}
_sealtrail() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command='' at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "\${command:+$command }\${COMP_WORDS[at]}" in
      ${nested.join(' | ')}) command="\${command:+$command }\${COMP_WORDS[at]}" ;;
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
complete -F _sealtrail sealtrail
`;
}

const quoted = (text: string): string => `'${text}'`;

const branch = (patterns: readonly string[], then: string): string =>
  `    ${patterns.map(quoted).join(' | ')}) ${then} ;;`;

function offer(value: Completed): string {
  if (value === 'file') return '_sealtrail_files; return';
  return value === 'anything' ? 'return' : `_sealtrail_words '${value.join(' ')}'; return`;
}
