import { resolve } from 'node:path';
import { Option } from 'commander';
import { defined } from '../../../base/defined.ts';
import { write } from '../../output/terminal.ts';
import { assertServerNode } from '../../shell/server-node.ts';
import { piiOption, retentionOption, type SettingOptions } from '../../shell/settings.ts';
import { type Install, integer } from '../../shell/shell.ts';

interface Options extends SettingOptions {
  readonly data: string;
  readonly logName?: string;
  readonly port: number;
  readonly profile: string;
}

export const installInit: Install = (program, shell) => {
  program
    .command('init')
    .summary('make a data folder, and the environment of its users')
    .description(
      'Makes a data folder for "serve": a configuration with its JSON Schema for editors, a signing key, and credentials.\n' +
        'Prints what an application needs to find the log, for a file .env: sealtrail init --data log > .env',
    )
    .requiredOption('--data <dir>', 'the data folder, in which there must be no log yet')
    .option('--log-name <name>', "the log's name, for good (default: <random>.sealtrail.local)")
    .addOption(piiOption())
    .addOption(retentionOption())
    .option('--port <n>', 'the port that "serve" will listen on', integer('--port', 1, 65_535), 8321)
    .addOption(
      new Option('--profile <name>', 'whose credentials the printed environment names')
        .choices(['writer', 'auditor', 'admin'])
        .default('writer'),
    )
    .action(async (options: Options) => {
      assertServerNode('sealtrail init');
      const { makeDataFolder } = await import('../../../server/embedded.ts');
      const { data, port, profile, logName, pii, retention } = options;
      const { credentialsFile } = await makeDataFolder(data, defined({ logName, pii, hotDays: retention }));
      const { stdout, stderr } = shell.terminal;
      await write(stdout, environment(port, resolve(credentialsFile), profile));
      await write(stderr, `made ${data}. Start the log: sealtrail serve --data ${data} --port ${port}\n`);
    });
};

/** Lines for a file `.env`, which shells, Node and container engines read alike unless a path needs quotes. */
function environment(port: number, credentials: string, profile: string): string {
  const file = /^[\w./+@:-]*$/.test(credentials) ? credentials : JSON.stringify(credentials);
  return `SEALTRAIL_ENDPOINT=http://127.0.0.1:${port}\nAWS_SHARED_CREDENTIALS_FILE=${file}\nAWS_PROFILE=${profile}\n`;
}
