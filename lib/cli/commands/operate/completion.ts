import { Argument } from 'commander';
import { write } from '../../output/terminal.ts';
import type { Install } from '../../shell/shell.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const installCompletion: Install = (program, shell) => {
  program
    .command('completion')
    .summary('print the completion of this program for a shell')
    .description(
      'Prints a script that completes commands, options, their values and files. For this shell and every later one:\n' +
        "  echo 'source <(sealtrail completion bash)' >> ~/.bashrc\n" +
        "  echo 'source <(sealtrail completion zsh)' >> ~/.zshrc     (after compinit)\n" +
        '  sealtrail completion fish > ~/.config/fish/completions/sealtrail.fish',
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    // The argument's choices are the names of the list.
    .action(async (name: (typeof SHELLS)[number]) => {
      const [{ completedCommand }, { bashCompletion }, { zshCompletion }, { fishCompletion }] = await Promise.all([
        import('../../completion/tree.ts'),
        import('../../completion/bash.ts'),
        import('../../completion/zsh.ts'),
        import('../../completion/fish.ts'),
      ]);
      const make = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }[name];
      await write(shell.terminal.stdout, make(completedCommand(program)));
    });
};
