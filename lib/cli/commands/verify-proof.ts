import { SealtrailError } from '../../log/error.ts';
import { checkConsistencyFile, checkProofFile, type ProvenGrowth, type ProvenRecord } from '../../verify/proof-file.ts';
import { EXIT, exitCodeFor } from '../exit.ts';
import { type Install, withJson } from '../shell.ts';
import { count, labelled, plural, write, writeLines } from '../terminal.ts';
import { readText, readTrust } from '../trust.ts';

interface Options {
  readonly key: string;
  readonly record?: string;
  readonly json?: true;
}

/** Where `sealtrail proof` puts the record that belongs to a proof. */
export function recordFileOf(proofFile: string): string {
  return `${proofFile.replace(/\.tlog-proof$/, '')}.record.json`;
}

export const installVerifyProof: Install = (program, shell) => {
  withJson(
    program
      .command('verify-proof <file>')
      .summary('check a proof offline')
      .description(
        'Checks offline that the record beside a .tlog-proof file is in the log, as signed by the key; or, given what\n' +
          'GET /v1/trails/TRAIL/consistency answered, that the later checkpoint in it extends the earlier.',
      )
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file")
      .option('--record <file>', 'the record line (default: <file> with .record.json in place of .tlog-proof)'),
  ).action(async (file: string, options: Options) => {
    const { stdout } = shell.terminal;
    const verdict = await verifyProof(file, options).catch((error: unknown) => refusal(error));
    if ('reason' in verdict) shell.exitCode = EXIT.wrong;
    if (options.json) return write(stdout, `${JSON.stringify(verdict)}\n`);
    if ('reason' in verdict) return writeLines(stdout, labelled(stdout, 'red', 'not proven', `${verdict.reason}.`));
    await writeLines(stdout, labelled(stdout, 'green', 'ok', sentenceOn(verdict)));
  });
};

/** A verdict on the evidence is an answer; anything else means that there is none. */
function refusal(error: unknown): { ok: false; code: string; reason: string } {
  if (!(error instanceof SealtrailError) || exitCodeFor(error) !== EXIT.wrong) throw error;
  return { ok: false, code: error.code, reason: error.message };
}

type ProofVerdict = ({ readonly ok: true } & ProvenRecord) | ({ readonly ok: true } & ProvenGrowth);

async function verifyProof(file: string, options: Options): Promise<ProofVerdict> {
  const proof = await readText(file, 'the proof');
  const trust = await readTrust(options.key);
  // A C2SP tlog-proof begins with its name; what the server answers about consistency is JSON.
  if (proof.startsWith('{')) return { ok: true, ...checkConsistencyFile(proof, trust) };
  const record = await readText(options.record ?? recordFileOf(file), 'the record');
  // One line end is the editor's; everything else is hashed as it stands.
  return { ok: true, ...checkProofFile(proof, record.replace(/\r?\n$/, ''), trust) };
}

function sentenceOn(verdict: ProofVerdict): string {
  if ('seq' in verdict) {
    const { seq, trail, origin, size, keys } = verdict;
    return (
      `Record ${count(seq)} of trail ${trail} is in the log ${origin}. It is one of the ${plural(size, 'record')} under a ` +
      `checkpoint signed by the key with the SHA-256 fingerprint ${keys.join(', ')}`
    );
  }
  const { from, to } = verdict;
  return (
    `The checkpoint of ${plural(to.size, 'record')} of the log ${to.origin} extends that of ${plural(from.size, 'record')}. Both are ` +
    `signed; the later one by the key with the SHA-256 fingerprint ${to.keys.join(', ')}`
  );
}
