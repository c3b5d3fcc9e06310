import { type Install, integer } from '../../shell/shell.ts';
import type { WitnessCommandOptions } from '../../shell/witnessing.ts';

export const installWitness: Install = (program, shell) => {
  program
    .command('witness')
    .summary('cosign the checkpoints of logs, on this machine')
    .description(
      'Runs a witness (C2SP tlog-witness) from one folder: it cosigns a checkpoint of a log that its logs.txt names, if that\n' +
        'extends the last one it cosigned. Run it where the operator of the logs has no access (docs/witnesses.md).\n' +
        'SIGTERM and Ctrl-C finish the work under way and stop.',
    )
    .requiredOption('--data <dir>', "the witness's folder, made if it is not there")
    .requiredOption('--name <name>', 'the name of its key, such as witness.example.com/w1: the same every time')
    .option('--port <n>', 'port to listen on; 0 takes any free one', integer('--port', 0, 65_535), 8322)
    .option('--host <address>', 'address to listen on; put TLS in front before you leave loopback', '127.0.0.1')
    .action(async (options: WitnessCommandOptions) => {
      // Imported here, so that the other commands start faster.
      const { witness } = await import('../../shell/witnessing.ts');
      await witness(shell.terminal, options);
    });
};
