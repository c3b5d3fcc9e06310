import { parseCheckpoint } from '../../log/checkpoint.ts';
import { toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash } from '../../log/hash.ts';
import { openNote, parseNote } from '../../log/note.ts';
import { checkProof, parseProof } from '../../log/proof.ts';
import { parseRecord } from '../../log/record.ts';
import { fingerprintOf } from '../../verify/trust.ts';
import { EXIT, exitCodeFor } from '../exit.ts';
import { type Install, withJson } from '../shell.ts';
import { count, labelled, plural, write, writeLines } from '../terminal.ts';
import { readText, readTrust, trailOf, trustedFor } from '../trust.ts';

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
      .description('Checks offline that the record beside a .tlog-proof file is in the log, as signed by the key.')
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file")
      .option('--record <file>', 'the record line (default: <file> with .record.json in place of .tlog-proof)'),
  ).action(async (file: string, options: Options) => {
    const { stdout } = shell.terminal;
    const verdict = await verifyProof(file, options).catch((error: unknown) => refusal(error));
    if ('reason' in verdict) shell.exitCode = EXIT.wrong;
    if (options.json) return write(stdout, `${JSON.stringify(verdict)}\n`);
    if ('reason' in verdict) return writeLines(stdout, labelled(stdout, 'red', 'not proven', `${verdict.reason}.`));
    const { seq, trail, origin, size, keys } = verdict;
    const sentence =
      `Record ${count(seq)} of trail ${trail} is in the log ${origin}. It is one of the ${plural(size, 'record')} under a ` +
      `checkpoint signed by the key with the SHA-256 fingerprint ${keys.join(', ')}`;
    await writeLines(stdout, labelled(stdout, 'green', 'ok', sentence));
  });
};

/** A verdict on the evidence is an answer; anything else means that there is none. */
function refusal(error: unknown): { ok: false; code: string; reason: string } {
  if (!(error instanceof SealtrailError) || exitCodeFor(error) !== EXIT.wrong) throw error;
  return { ok: false, code: error.code, reason: error.message };
}

interface ProofVerdict {
  readonly ok: true;
  readonly trail: string;
  readonly seq: number;
  readonly hash: string;
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly keys: readonly string[];
}

async function verifyProof(file: string, options: Options): Promise<ProofVerdict> {
  const proof = parseProof(await readText(file, 'the proof'));
  const recordText = await readText(options.record ?? recordFileOf(file), 'the record');
  // One line end is the editor's; everything else is hashed as it stands.
  const line = recordText.replace(/\r?\n$/, '');
  const { origin, size } = parseCheckpoint(parseNote(proof.checkpoint).text);
  const verifiers = trustedFor(await readTrust(options.key), origin, size);
  const checkpoint = checkProof(proof, leafHash(line), origin, verifiers);
  const signers = openNote(proof.checkpoint, verifiers).verified.map((signature) => signature.keyId);
  const verified = verifiers.filter((verifier) => signers.includes(verifier.keyId));
  const record = parseRecord(line);
  if (record.seq !== proof.index || record.trail !== trailOf(origin)) {
    const place = `record ${proof.index} of ${origin}`;
    throw new SealtrailError(
      'proof_mismatch',
      `the proof is for ${place}, the record says ${record.seq} of ${record.trail}`,
    );
  }
  return {
    ok: true,
    trail: record.trail,
    seq: record.seq,
    hash: toHex(leafHash(line)),
    origin,
    size: checkpoint.size,
    root: toHex(checkpoint.root),
    keys: verified.map((verifier) => fingerprintOf(verifier.spki)),
  };
}
