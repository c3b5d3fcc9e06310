import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { defined } from '../../../base/defined.ts';
import { SealtrailError } from '../../../log/error.ts';
import type { TrailStream } from '../../../verify/streams/stream-report.ts';
import { count, labelled, plural, write, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import { type Install, integer, withJson } from '../../shell/shell.ts';
import { readTrust } from '../../shell/trust.ts';

interface Options {
  readonly key: string;
  readonly trail?: string;
  readonly from?: number;
  readonly to?: number;
  readonly repeats?: true;
  readonly filtered?: true;
  readonly json?: true;
}

const MOST = 999_999_999_999_999;

export const installVerifyStream: Install = (program, shell) => {
  withJson(
    program
      .command('verify-stream')
      .argument('<file>', "a SIEM's or webhook's copy of forwarded records, as lines of JSON; - reads standard input")
      .summary('check offline that a copy of forwarded records is whole')
      .description(
        'Checks offline that a copy holds every number from its first to its last record, once, with the bytes that were\n' +
          'sealed, under checkpoints signed by the key. The batches and their proofs are found in the envelopes of Splunk,\n' +
          'Elasticsearch and others, in any order. Give --from and --to where you know what must be there: from a copy\n' +
          'alone no one can tell that its first or last batches were cut off.',
      )
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file, or a list of keys with their sizes")
      .option('--trail <name>', 'only this trail')
      .option('--from <n>', 'the first record number that must be there', integer('--from', 0, MOST))
      .option('--to <n>', 'the last record number that must be there', integer('--to', 0, MOST))
      .option('--repeats', 'take records that are there more than once: delivery is at least once')
      .option('--filtered', 'take a filtered stream, of which no one can prove that nothing else should have passed'),
  ).action(async (file: string, options: Options) => {
    const streams = await check(file, options);
    if (streams.length === 0) throw new SealtrailError('usage', `${file} holds no forwarded records and no batches`);
    const verdict = verdictOn(streams, options.filtered === true);
    shell.exitCode = EXIT[verdict];
    const { stdout } = shell.terminal;
    if (options.json) return write(stdout, `${JSON.stringify({ ok: verdict === 'ok', verdict, trails: streams })}\n`);
    for (const stream of streams) await writeLines(stdout, linesOn(stdout, stream, options.filtered === true));
  });
};

async function check(file: string, options: Options): Promise<readonly TrailStream[]> {
  const { checkStream } = await import('../../../verify/streams/check-stream.ts');
  const { key, trail, from, to, repeats } = options;
  if (from !== undefined && to !== undefined && from > to) throw new SealtrailError('usage', '--from is above --to');
  const last = to === undefined ? undefined : to + 1;
  const expected = { ...defined({ trail, from, to: last }), mayRepeat: repeats === true };
  return checkStream(linesOf(file), await readTrust(key), expected);
}

function verdictOn(streams: readonly TrailStream[], takesFiltered: boolean): 'ok' | 'wrong' | 'unproven' {
  if (streams.some(({ findings }) => findings.length > 0)) return 'wrong';
  return streams.some(({ isFiltered }) => isFiltered) && !takesFiltered ? 'unproven' : 'ok';
}

async function* linesOf(file: string): AsyncGenerator<string, void, void> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (cause) {
    throw new SealtrailError('usage', `cannot read ${file}`, { cause });
  }
}

function linesOn(stdout: Parameters<typeof labelled>[0], stream: TrailStream, takesFiltered: boolean): string[] {
  const { findings } = stream;
  if (findings.length > 0) {
    return findings.flatMap(({ kind, message }) =>
      labelled(stdout, 'red', 'wrong', `${stream.trail}: ${kind}: ${message}.`),
    );
  }
  const isShort = stream.isFiltered && !takesFiltered;
  return [labelled(stdout, isShort ? 'yellow' : 'green', isShort ? 'unproven' : 'ok', sentenceOn(stream))].flat();
}

function sentenceOn({ trail, from, to, records, batches, repeated, isFiltered, newest }: TrailStream): string {
  const rest = (newest?.size ?? 0) - to;
  return (
    `${plural(records, 'record')} of trail ${trail}, numbers ${count(from)} to ${count(to - 1)}` +
    `${isFiltered ? '' : ', none missing, none altered'}: ${count(batches)} ${batches === 1 ? 'batch' : 'batches'} under a checkpoint of ` +
    `${plural(newest?.size ?? 0, 'record')} signed by the key with the SHA-256 fingerprint ${newest?.keys.join(', ')}.` +
    `${repeated === 0 ? '' : ` ${plural(repeated, 'record')} more than once.`}` +
    `${isFiltered ? ' The stream was filtered: each record is in the log, and whether another one should have passed is not proven.' : ''}` +
    `${rest > 0 ? ` ${plural(rest, 'record')} after them under that checkpoint.` : ''}`
  );
}
