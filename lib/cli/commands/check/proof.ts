import { writeFile } from 'node:fs/promises';
import { Option } from 'commander';
import type { SignedHttp } from '../../../client/http/http.ts';
import { parseCheckpoint } from '../../../log/checkpoint.ts';
import { fromBase64 } from '../../../log/encoding.ts';
import { SealtrailError } from '../../../log/error.ts';
import { parseNote } from '../../../log/note.ts';
import { checkConsistencyFile, checkProofFile } from '../../../verify/files/proof-file.ts';
import { count, labelled, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import {
  connect,
  type Install,
  integer,
  type ServerOptions,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';
import { type LogKeys, logKeys, readText } from '../../shell/trust.ts';
import { recordFileOf } from './verify-proof.ts';

interface Options extends ServerOptions {
  readonly from?: string;
  readonly to?: number;
  readonly output?: string;
  readonly format?: 'tlog' | 'cose';
  readonly key?: string;
  readonly json?: true;
}

/** A proof that has been checked and written. */
interface Written {
  /** The proven statement, in one sentence. */
  readonly sentence: string;
  /** The files, the proof first, and what each holds. */
  readonly files: readonly (readonly [file: string, what: string])[];
  /** For programs. */
  readonly result: object;
}

const MAX_COUNT = Number.MAX_SAFE_INTEGER;

export const installProof: Install = (program, shell) => {
  const command = program
    .command('proof')
    .argument('<trail>', 'the trail', trailName)
    .argument('[seq]', 'the record, counted from 0', integer('<seq>', 0, MAX_COUNT))
    .summary('fetch the proof that a record is in the log, or that the log only grew')
    .description(
      'With <seq>, writes two files: the proof (C2SP tlog-proof) and the record that it proves. With --from, writes one: the\n' +
        'two checkpoints and the proof that the later extends the earlier (RFC 6962). With the public key they are all that\n' +
        '"sealtrail verify-proof" needs, on any machine and without a network.',
    )
    .option('--from <checkpoint>', 'the earlier checkpoint: a file in which you kept it, or its size alone')
    .option('--to <size>', 'the size of the later one (default: the newest)', integer('--to', 0, MAX_COUNT))
    .option(
      '-o, --output <file>',
      'the proof file (default: <trail>-<seq>.tlog-proof or .cose, or <trail>-<from>-<to>.consistency.json)',
    )
    .addOption(
      new Option('--format <format>', 'of the proof of a record: C2SP tlog-proof, or a COSE receipt (RFC 9942)')
        .choices(['tlog', 'cose'])
        .default('tlog'),
    )
    .option('--key <file>', "the log's public key (vkey or PEM) to check with (default: ask the server for it)");
  withJson(withServer(command)).action((trail: string, seq: number | undefined, options: Options) =>
    proof(shell.terminal, trail, seq, options),
  );
};

async function proof(terminal: Terminal, trail: string, seq: number | undefined, options: Options): Promise<void> {
  const prove = proverOf(trail, seq, options);
  const http = connect(terminal, options);
  const { stdout, signal } = terminal;
  const { sentence, files, result } = await prove({ http, signal, keys: await logKeys(http, trail, options.key) });
  if (options.json) return write(stdout, `${JSON.stringify(result)}\n`);
  await writeLines(stdout, [
    ...labelled(stdout, 'green', 'proven', sentence),
    ...files.map(([file, what]) => `        ${file}  ${what}`),
    'Check it on any machine, with the key that "sealtrail keys --export DIR" writes:',
    `        sealtrail verify-proof ${files[0]?.[0]} --key DIR/log.pem`,
  ]);
}

interface Asking {
  readonly http: SignedHttp;
  readonly signal: AbortSignal;
  readonly keys: LogKeys;
}

/** The statement to prove: one record, or growth. Errors: `usage` where it is neither, or both. */
function proverOf(trail: string, seq: number | undefined, options: Options): (asking: Asking) => Promise<Written> {
  const { from, to, output, format } = options;
  if (format === 'cose' && seq === undefined) {
    throw new SealtrailError('usage', 'a COSE receipt is of a record: name it by its number');
  }
  if (seq !== undefined && from === undefined && to === undefined) {
    const prove = format === 'cose' ? proveByReceipt : proveRecord;
    return (asking) => prove(asking, trail, seq, output);
  }
  if (seq === undefined && from !== undefined) return (asking) => proveGrowth(asking, trail, from, to, output);
  throw new SealtrailError('usage', 'say what to prove: a record by its number, or growth with --from and --to');
}

async function proveRecord(
  { http, signal, keys }: Asking,
  trail: string,
  seq: number,
  output = `${trail}-${seq}.tlog-proof`,
): Promise<Written> {
  const path = `/v1/trails/${trail}/events/${seq}`;
  const [record, answer] = await Promise.all([
    http.send({ path, signal }),
    http.send({ path: `${path}/proof`, signal }),
  ]);
  const line = record.text().replace(/\n$/, '');
  const proven = checkProofFile(answer.text(), line, keys.keys);
  if (proven.seq !== seq || proven.trail !== trail) {
    const message = `the server proved record ${proven.seq} of ${proven.trail}, not ${seq} of ${trail}`;
    throw new SealtrailError('proof_mismatch', message);
  }
  const recordFile = recordFileOf(output);
  await writeOut(output, answer.text());
  await writeOut(recordFile, `${line}\n`);
  const { origin, size } = proven;
  return {
    sentence: `Record ${count(seq)} of ${trail} is in the log ${origin} of ${plural(size, 'record')}.`,
    files: [
      [output, 'the proof'],
      [recordFile, 'the record'],
    ],
    result: { ...proven, proofFile: output, recordFile },
  };
}

async function proveByReceipt(
  { http, signal, keys }: Asking,
  trail: string,
  seq: number,
  output = `${trail}-${seq}.cose`,
): Promise<Written> {
  const path = `/v1/trails/${trail}/events/${seq}`;
  const [record, answer] = await Promise.all([
    http.send({ path, signal }),
    http.send({ path: `${path}/receipt`, signal }),
  ]);
  const line = record.text().replace(/\n$/, '');
  const receipt = receiptIn(answer.text());
  const { checkCoseFile } = await import('../../../verify/files/cose-file.ts');
  const proven = checkCoseFile(receipt, line, keys.keys);
  if (proven.seq !== seq || proven.trail !== trail) {
    const message = `the server proved record ${proven.seq} of ${proven.trail}, not ${seq} of ${trail}`;
    throw new SealtrailError('proof_mismatch', message);
  }
  const recordFile = recordFileOf(output);
  await writeOut(output, receipt);
  await writeOut(recordFile, `${line}\n`);
  return {
    sentence: `Record ${count(seq)} of ${trail} is in the log ${proven.origin} of ${plural(proven.size, 'record')}.`,
    files: [
      [output, 'the COSE receipt'],
      [recordFile, 'the record'],
    ],
    result: { ...proven, proofFile: output, recordFile },
  };
}

/** The receipt in the server's answer. */
function receiptIn(answer: string): Uint8Array {
  const { receipt }: { readonly receipt?: unknown } = JSON.parse(answer);
  if (typeof receipt === 'string') return fromBase64(receipt, 'malformed_proof', 'the receipt');
  throw new SealtrailError('malformed_proof', 'the server answered without a receipt');
}

async function proveGrowth(
  { http, signal, keys }: Asking,
  trail: string,
  since: string,
  end: number | undefined,
  output?: string,
): Promise<Written> {
  const kept = /^\d+$/.test(since) ? undefined : await readText(since, 'the checkpoint');
  const start =
    kept === undefined ? integer('--from', 0, MAX_COUNT)(since) : parseCheckpoint(parseNote(kept).text).size;
  const query = { from: start, to: end };
  const answer = await http.send({ path: `/v1/trails/${trail}/consistency`, query, signal });
  const { from, to } = checkConsistencyFile(answer.text(), keys.keys, kept);
  if (from.size !== start || to.size !== (end ?? to.size) || !to.origin.endsWith(`/${trail}`)) {
    const message = `the server proved growth from ${from.size} to ${to.size} records of ${to.origin}, which was not asked for`;
    throw new SealtrailError('proof_mismatch', message);
  }
  const proofFile = output ?? `${trail}-${from.size}-${to.size}.consistency.json`;
  await writeOut(proofFile, answer.text());
  return {
    sentence: `The log ${to.origin} of ${plural(to.size, 'record')} extends what it was at ${plural(from.size, 'record')}.`,
    files: [[proofFile, 'both checkpoints and the proof']],
    result: { trail, from, to, proofFile },
  };
}

async function writeOut(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (cause) {
    throw new SealtrailError('usage', `cannot write ${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}
