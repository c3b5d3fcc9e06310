import * as z from 'zod';
import type { SealReply } from '../../../contract/replies.ts';
import type { Shape } from '../../../json/shape.ts';
import { readAnswer } from '../../output/read-answer.ts';
import { labelled, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { connect, type Install, type ServerOptions, trailName, withJson, withServer } from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly json?: true;
}

const sealSchema = z.object({
  trail: z.string(),
  size: z.number(),
  checkpoint: z.string(),
} satisfies Shape<SealReply>);

export const installSeal: Install = (program, shell) => {
  const command = program
    .command('seal')
    .argument('<trail>', 'the trail', trailName)
    .summary('complete the archive of a trail now')
    .description(
      'Signs and archives all that a trail holds now, with the partial tiles that tools for C2SP tlog-tiles need.\n' +
        'It happens by itself once a day. Needs the action admin.',
    );
  withJson(withServer(command)).action((trail: string, options: Options) => seal(shell.terminal, trail, options));
};

async function seal(terminal: Terminal, trail: string, options: Options): Promise<void> {
  const http = connect(terminal, options);
  const answer = (
    await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals`, signal: terminal.signal })
  ).json();
  const { stdout } = terminal;
  if (options.json) return write(stdout, `${JSON.stringify(answer)}\n`);
  const { size } = readAnswer(sealSchema, answer, 'a seal');
  const sentence = `The archive of ${trail} is complete up to its ${plural(size, 'record')}.`;
  await writeLines(stdout, labelled(stdout, 'green', 'sealed', sentence));
}
