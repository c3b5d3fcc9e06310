import { writeFile } from 'node:fs/promises';
import { checkpointOf } from '../../client/receipt.ts';
import { toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash } from '../../log/hash.ts';
import { parseProof } from '../../log/proof.ts';
import { parseRecord } from '../../log/record.ts';
import { checkInclusion } from '../../log/tree.ts';
import { connect, type Install, integer, type ServerOptions, trailName, withJson, withServer } from '../shell.ts';
import { count, labelled, plural, type Terminal, write, writeLines } from '../terminal.ts';
import { logKeys } from '../trust.ts';
import { recordFileOf } from './verify-proof.ts';

interface Options extends ServerOptions {
  readonly output?: string;
  readonly key?: string;
  readonly json?: true;
}

export const installProof: Install = (program, shell) => {
  const command = program
    .command('proof')
    .argument('<trail>', 'the trail', trailName)
    .argument('<seq>', 'the record, counted from 0', integer('<seq>', 0, Number.MAX_SAFE_INTEGER))
    .summary('fetch the proof that a record is in the log')
    .description(
      'Writes two files: the proof (C2SP tlog-proof) and the record that it proves. Both together, and the public key,\n' +
        'are all that "sealtrail verify-proof" needs, on any machine and without a network.',
    )
    .option('-o, --output <file>', 'the proof file (default: <trail>-<seq>.tlog-proof)')
    .option('--key <file>', "the log's public key (vkey or PEM) to check with (default: ask the server for it)");
  withJson(withServer(command)).action((trail: string, seq: number, options: Options) =>
    proof(shell.terminal, trail, seq, options),
  );
};

async function proof(terminal: Terminal, trail: string, seq: number, options: Options): Promise<void> {
  const http = connect(terminal, options);
  const { signal, stdout } = terminal;
  const path = `/v1/trails/${trail}/events/${seq}`;
  const [record, answer, keys] = await Promise.all([
    http.send({ path, signal }),
    http.send({ path: `${path}/proof`, signal }),
    logKeys(http, trail, options.key),
  ]);
  const line = record.text().replace(/\n$/, '');
  const text = answer.text();
  const parsed = parseProof(text);
  const checkpoint = checkpointOf(parsed.checkpoint, trail, keys.trust);
  checkInclusion(leafHash(line), parsed.index, checkpoint.size, parsed.hashes, checkpoint.root);
  const told = parseRecord(line);
  if (parsed.index !== seq || told.seq !== seq || told.trail !== trail) {
    throw new SealtrailError(
      'proof_mismatch',
      `the server proved record ${told.seq} of ${told.trail}, not ${seq} of ${trail}`,
    );
  }
  const proofFile = options.output ?? `${trail}-${seq}.tlog-proof`;
  const recordFile = recordFileOf(proofFile);
  await writeText(proofFile, text);
  await writeText(recordFile, `${line}\n`);
  const { origin, size, root } = checkpoint;
  const result = { trail, seq, hash: toHex(leafHash(line)), origin, size, root: toHex(root), proofFile, recordFile };
  if (options.json) return write(stdout, `${JSON.stringify(result)}\n`);
  await writeLines(stdout, [
    ...labelled(
      stdout,
      'green',
      'proven',
      `Record ${count(seq)} of ${trail} is in the log ${origin} of ${plural(size, 'record')}.`,
    ),
    `        ${proofFile}  the proof`,
    `        ${recordFile}  the record`,
    'Check it on any machine, with the key that "sealtrail keys --export DIR" writes:',
    `        sealtrail verify-proof ${proofFile} --key DIR/log.pem`,
  ]);
}

async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new SealtrailError('usage', `cannot write ${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}
