import { readdir } from 'node:fs/promises';
import { type SpoolContents, type SpooledBatches, spoolContents } from '../../../client/delivery/spool-contents.ts';
import { ApiSink } from '../../../client/sinks/api-sink.ts';
import { SealtrailError } from '../../../log/error.ts';
import { isTrailName } from '../../../log/trail-name.ts';
import {
  bytes,
  count,
  labelled,
  type Output,
  plural,
  type Terminal,
  write,
  writeLines,
} from '../../output/terminal.ts';
import { connect, type Install, type ServerOptions, trailName, withJson, withServer } from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly send?: true;
  readonly trail?: string;
  readonly json?: true;
}

export const installSpool: Install = (program, shell) => {
  const command = program
    .command('spool')
    .argument('<folder>', 'the spool folder of an application')
    .summary('show what a spool folder holds, and send it')
    .description(
      'Shows the events that applications left in a spool folder because the log was away or they were killed.\n' +
        'With --send they are sent, each once, as the next process of the application would do.',
    )
    .option('--send', 'send what processes that are gone have left')
    .option('--trail <trail>', 'the trail that the folder belongs to (default: by its checkpoint file)', trailName);
  withJson(withServer(command)).action((dir: string, options: Options) => spool(shell.terminal, dir, options));
};

async function spool(terminal: Terminal, dir: string, options: Options): Promise<void> {
  const found = await readContents(dir);
  const { stdout } = terminal;
  if (options.send !== true || found.waiting.batches === 0) {
    return options.json ? write(stdout, `${JSON.stringify(found)}\n`) : writeLines(stdout, shown(stdout, dir, found));
  }
  const errors: Error[] = [];
  const sink = new ApiSink({
    ...{ trail: options.trail ?? (await readTrail(dir)), http: connect(terminal, options), spool: dir },
    ...{ onError: (error) => errors.push(error), onAlarm: (error) => errors.push(error) },
  });
  await sink.close();
  const left = await readContents(dir);
  const sent = found.waiting.batches - left.waiting.batches;
  const aside = left.setAside.length - found.setAside.length;
  if (left.waiting.batches > 0 || aside > 0) {
    const what = `${batches(left.waiting.batches)} left, ${batches(aside)} set aside`;
    throw new SealtrailError('unavailable', `${what} in ${dir}: ${errors[0]?.message ?? 'the log did not answer'}`);
  }
  if (options.json) return write(stdout, `${JSON.stringify({ ...left, sent: found.waiting })}\n`);
  const sentence = `${plural(found.waiting.events, 'event')} in ${batches(sent)}: the log has them.`;
  await writeLines(stdout, labelled(stdout, 'green', 'sent', sentence));
}

async function readContents(dir: string): Promise<SpoolContents> {
  try {
    return await spoolContents(dir);
  } catch (cause) {
    throw new SealtrailError('usage', `cannot read the spool folder ${dir}`, { cause });
  }
}

/** Finds the trail by the checkpoint that the client stores beside the batches. */
async function readTrail(dir: string): Promise<string> {
  const names = (await readdir(dir)).flatMap((name) => /^(.+)\.checkpoint$/.exec(name)?.[1] ?? []).filter(isTrailName);
  const [trail, ...others] = names;
  if (trail !== undefined && others.length === 0) return trail;
  throw new SealtrailError('usage', `say with --trail which trail ${dir} belongs to: no checkpoint file in it tells`);
}

function shown(out: Output, dir: string, { waiting, running, setAside }: SpoolContents): string[] {
  const lines = [
    ...part(out, 'yellow', 'waiting', waiting, 'of processes that are gone: --send sends them'),
    ...part(out, 'bold', 'running', running, 'of processes that run, which send them'),
    ...setAside.flatMap((name) =>
      labelled(out, 'red', 'set aside', `${dir}/${name}: the log refused it, or it is damaged`),
    ),
  ];
  return lines.length > 0 ? lines : labelled(out, 'green', 'empty', `Nothing waits in ${dir}.`);
}

function part(out: Output, format: 'yellow' | 'bold', label: string, found: SpooledBatches, whose: string): string[] {
  if (found.batches === 0) return [];
  const size = `${plural(found.events, 'event')} in ${batches(found.batches)}, ${bytes(found.bytes)}`;
  const since = found.oldest === undefined ? '' : `, the oldest since ${new Date(found.oldest).toISOString()}`;
  return labelled(out, format, label, `${size}${since}, ${whose}`);
}

function batches(value: number): string {
  return value === 1 ? '1 batch' : `${count(value)} batches`;
}
