import { assertServerNode } from '../../shell/server-node.ts';
import type { ServeOptions } from '../../shell/serving.ts';
import { piiOption, retentionOption } from '../../shell/settings.ts';
import { type Install, integer } from '../../shell/shell.ts';

export const installServe: Install = (program, shell) => {
  program
    .command('serve')
    .summary('run a log on this machine')
    .description(
      'Runs a whole log from one folder: SQLite for hot records, write-once files for the archive, a key file that signs.\n' +
        'The folder is made if it is not there, with a credentials file for the profiles writer, auditor and admin.\n' +
        'SIGTERM and Ctrl-C finish the work under way and stop.',
    )
    .requiredOption('--data <dir>', 'the data folder')
    .option('--port <n>', 'port to listen on; 0 takes any free one', integer('--port', 0, 65_535), 8321)
    .option('--host <address>', 'address to listen on; put TLS in front before you leave loopback', '127.0.0.1')
    .option('--log-name <name>', "the log's name, for good; only for a new folder (default: <random>.sealtrail.local)")
    .option('--config <file>', 'read this in place of config.json in the data folder (docs/configuration.md)')
    .addOption(piiOption())
    .addOption(retentionOption())
    .option('--policy <file>', 'witnesses that cosign the log: a C2SP tlog-policy with their URLs (docs/witnesses.md)')
    .option(
      '--witness-lag <seconds>',
      'how long the newest heads may be without a quorum before that is an alarm',
      integer('--witness-lag', 1, 86_400),
      600,
    )
    .option(
      '--forward <file>',
      'where records are forwarded to, in place of what config.json says (docs/forwarding.md)',
    )
    .option(
      '--threads <n>',
      'threads that prepare the events of large requests (default: one less than there are processors, at most 4)',
      integer('--threads', 0, 64),
    )
    .option(
      '--ml-dsa',
      'sign what is archived by an ML-DSA-44 key too, which is made if there is none (docs/witnesses.md)',
    )
    .option('--tsa <url>', 'time-stamp each seal: the URL of a service of RFC 3161 (docs/witnesses.md)')
    .option('--tsa-ca <file>', 'certificates in PEM, one of which must have issued that of the service')
    .option(
      '--tsa-lag <seconds>',
      'how long a seal may be without a time-stamp before that is an alarm',
      integer('--tsa-lag', 1, 604_800),
      21_600,
    )
    .option('--log-requests', 'log every request to standard error, one JSON document a line')
    .action(async (options: ServeOptions) => {
      assertServerNode('sealtrail serve');
      // Imported here, so that the other commands start faster, and on a Node that cannot run this one.
      const { serve } = await import('../../shell/serving.ts');
      await serve(shell.terminal, options);
    });
};
