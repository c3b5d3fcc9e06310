import { SealtrailError } from '../../../log/error.ts';
import type { Restart } from '../../../server/forwarding/stopped-log.ts';
import { count, plural, write, writeLines } from '../../output/terminal.ts';
import { assertServerNode } from '../../shell/server-node.ts';
import { type Install, integer, withJson } from '../../shell/shell.ts';

interface Options {
  readonly data: string;
  readonly forward?: string;
  readonly destination?: string;
  readonly trail?: string;
  readonly from?: number;
  readonly json?: true;
}

const MOST = 999_999_999_999_999;

export const installForwarding: Install = (program, shell) => {
  withJson(
    program
      .command('forwarding')
      .summary('how far destinations have come, and where they go on')
      .description(
        'Tells how far each destination of a stopped log has come in each trail. With --destination, --trail and --from it\n' +
          'goes on at that record after the next start: so a destination that lost records is filled again.',
      )
      .requiredOption('--data <dir>', 'the data folder of a log that is stopped')
      .option('--forward <file>', 'the file of "serve --forward" (default: what config.json says)')
      .option('--destination <name>', 'the destination that goes on elsewhere')
      .option('--trail <name>', 'the trail in which it does')
      .option('--from <n>', 'the record number that it goes on with', integer('--from', 0, MOST)),
  ).action(async (options: Options) => {
    assertServerNode('sealtrail forwarding');
    const { forwardingOf } = await import('../../../server/forwarding/stopped-log.ts');
    const trails = await forwardingOf(options.data, { forwardFile: options.forward, restart: restartOf(options) });
    const { stdout } = shell.terminal;
    if (options.json) return write(stdout, `${JSON.stringify({ trails })}\n`);
    const lines = trails.map(
      ({ destination, trail, size, forwarded, sent, aside }) =>
        `${destination}  ${trail}  ${count(forwarded)} of ${plural(size, 'record')} done, ${count(sent)} sent, ${count(aside)} set aside`,
    );
    await writeLines(stdout, lines.length === 0 ? ['nothing is forwarded'] : lines);
  });
};

function restartOf({ destination, trail, from }: Options): Restart | undefined {
  const given = [destination, trail, from].filter((one) => one !== undefined).length;
  if (given === 0) return undefined;
  if (destination === undefined || trail === undefined || from === undefined) {
    throw new SealtrailError('usage', '--destination, --trail and --from go together');
  }
  return { destination, trail, from };
}
