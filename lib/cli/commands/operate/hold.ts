import { Argument } from 'commander';
import * as z from 'zod';
import type { LegalHoldReply } from '../../../contract/replies.ts';
import type { Shape } from '../../../json/shape.ts';
import { SealtrailError } from '../../../log/error.ts';
import { readAnswer } from '../../output/read-answer.ts';
import { labelled, type Output, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { connect, type Install, type ServerOptions, trailName, withJson, withServer } from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly reason?: string;
  readonly json?: true;
}

type Change = 'on' | 'off';

const holdSchema = z.object({
  trail: z.string(),
  held: z.boolean(),
  since: z.number().optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
  objects: z.number(),
  complete: z.boolean(),
} satisfies Shape<LegalHoldReply>);

export const installHold: Install = (program, shell) => {
  const command = program
    .command('hold')
    .argument('<trail>', 'the trail', trailName)
    .addArgument(new Argument('[change]', 'sets the hold or releases it').choices(['on', 'off']))
    .summary("show, set or release the legal hold of a trail's archive")
    .description(
      'While a trail is under legal hold, nothing of its archive can be removed, though its lock may end meanwhile.\n' +
        'In a folder, which has no locks, files get a second name under archive/~held/: their bytes outlive the first.\n' +
        'Who set or released it, and why, is recorded in the trail _system. A change needs the action admin.',
    )
    .option('--reason <text>', 'why: the case, and who ordered it. Needed for a change');
  withJson(withServer(command)).action((trail: string, change: Change | undefined, options: Options) =>
    hold(shell.terminal, trail, change, options),
  );
};

async function hold(terminal: Terminal, trail: string, change: Change | undefined, options: Options): Promise<void> {
  const { reason } = options;
  if (change !== undefined && reason === undefined) {
    throw new SealtrailError('usage', 'say why with --reason: it is recorded in the trail _system');
  }
  if (change === undefined && reason !== undefined) {
    throw new SealtrailError('usage', 'a reason for what? Say on or off after the name of the trail');
  }
  const http = connect(terminal, options);
  const request = { path: `/v1/trails/${trail}/legal-hold`, signal: terminal.signal };
  const body = JSON.stringify({ held: change === 'on', reason });
  const answer = await http.send(change === undefined ? request : { ...request, method: 'POST', body });
  if (options.json) return write(terminal.stdout, answer.text());
  await writeLines(
    terminal.stdout,
    holdLines(trail, readAnswer(holdSchema, answer.json(), 'a legal hold'), terminal.stdout),
  );
}

function holdLines(
  trail: string,
  { held, since, by, reason, objects, complete }: LegalHoldReply,
  out: Output,
): string[] {
  if (since === undefined) return labelled(out, 'bold', 'not held', `${trail} was never under legal hold.`);
  const who = `${trail}, since ${new Date(since).toISOString()}, by ${by}: ${reason}`;
  const done = `${plural(objects, 'version')} of objects ${held ? 'held' : 'released'}`;
  const progress = complete
    ? `${done}: all there are.`
    : `${done} so far. A second look, in a quarter of an hour, is for what was being archived meanwhile.`;
  return [
    ...labelled(out, held ? 'green' : 'bold', held ? 'held' : 'released', who),
    ...labelled(out, 'bold', complete ? 'complete' : 'under way', progress),
  ];
}
