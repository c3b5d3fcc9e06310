import { verifyTrail } from '../../../client/read/verifying.ts';
import type { VerificationReply, VerificationReport } from '../../../contract/verification.ts';
import { SealtrailError } from '../../../log/error.ts';
import { count, labelled, type Output, Progress, plural, write, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import {
  connect,
  type Install,
  type ServerOptions,
  type Shell,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly full?: true;
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

export const installVerifyTrail: Install = (program, shell) => {
  const command = program
    .command('verify-trail')
    .argument('<trail>', 'the trail', trailName)
    .summary('have the log check its own ledger and archive')
    .description(
      'Has the server verify a trail, and waits for the report: what is new since the last time, all of it, or a range.\n' +
        'It is the word of the log on itself. To verify without trust in the log, run "sealtrail verify" over the archive.',
    )
    .option('--full', 'from record 0 on')
    .option('--from <seq>', 'a range: its first record')
    .option('--to <seq>', 'a range: the record behind its last one');
  withServer(withJson(command)).action((trail: string, options: Options) => verify(shell, trail, options));
};

async function verify(shell: Shell, trail: string, options: Options): Promise<void> {
  const { signal, stdout, stderr } = shell.terminal;
  const http = connect(shell.terminal, options);
  const progress = new Progress(stderr);
  const onLook = (found: VerificationReply) => progress.show(() => progressOf(found));
  try {
    const report = await verifyTrail(http, `/v1/trails/${trail}/verifications`, requestOf(options), { signal, onLook });
    progress.clear();
    if (report.verdict !== 'ok') shell.exitCode = EXIT.wrong;
    if (options.json) return await write(stdout, `${JSON.stringify(report)}\n`);
    await writeLines(stdout, linesOf(report, stdout));
  } finally {
    progress.clear();
  }
}

function requestOf({ full, from, to }: Options) {
  if (full && (from !== undefined || to !== undefined)) {
    throw new SealtrailError('usage', '--full is all of it: leave out --from and --to, or --full');
  }
  if (full) return 'full';
  if (from === undefined && to === undefined) return 'incremental';
  return {
    ...(from === undefined ? {} : { from: recordNumber('--from', from) }),
    ...(to === undefined ? {} : { to: recordNumber('--to', to) }),
  };
}

function recordNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new SealtrailError('usage', `${option} takes the number of a record, from 0 on`);
  return Number(text);
}

function progressOf({ state, progress }: VerificationReply): string {
  if (progress === undefined) return state === 'queued' ? 'waiting for its turn' : 'beginning';
  return `${count(progress.at)} of ${plural(progress.of, 'record')} looked at`;
}

function linesOf({ trail, verdict, from, to, problems, moreProblems, notLookedAt }: VerificationReport, out: Output) {
  const looked = from === to ? `Nothing is new in ${trail}` : `Records ${from} to ${to - 1} of ${trail} were looked at`;
  const sentence = verdict === 'ok' ? `${looked}, and all is right.` : `${looked}.`;
  const label = verdict === 'ok' ? labelled(out, 'green', 'ok', sentence) : labelled(out, 'red', 'damaged', sentence);
  return [
    ...label,
    ...problems.flatMap(({ kind, message }) => labelled(out, 'red', kind, `${message}.`)),
    ...(moreProblems === 0 ? [] : [`and ${plural(moreProblems, 'more problem')}`]),
    ...notLookedAt.flatMap((what) => labelled(out, 'dim', 'not looked at', `${what}.`)),
  ];
}
