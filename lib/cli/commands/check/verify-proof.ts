import { fromUtf8 } from '../../../log/encoding.ts';
import { type ErrorCode, SealtrailError } from '../../../log/error.ts';
import type { Policy } from '../../../log/policy.ts';
import { parseProof } from '../../../log/proof.ts';
import type { TrustedKeys } from '../../../verify/evidence/trust.ts';
import {
  checkConsistencyFile,
  checkProofFile,
  checkWitnessedFile,
  type ProvenGrowth,
  type ProvenRecord,
  type WitnessedProof,
} from '../../../verify/files/proof-file.ts';
import { count, labelled, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { witnessedFileOf, witnessedSentence } from '../../output/witnessed.ts';
import { EXIT, exitCodeFor } from '../../shell/exit.ts';
import { type Install, withJson } from '../../shell/shell.ts';
import { readBytes, readPolicy, readText, readTrust } from '../../shell/trust.ts';

interface Options {
  readonly key: string;
  readonly record?: string;
  readonly previous?: string;
  readonly policy?: string;
  readonly json?: true;
}

/** Where `sealtrail proof` puts the record that belongs to a proof. */
export function recordFileOf(proofFile: string): string {
  return `${proofFile.replace(/\.(tlog-proof|cose)$/, '')}.record.json`;
}

export const installVerifyProof: Install = (program, shell) => {
  withJson(
    program
      .command('verify-proof')
      .argument('<files...>', 'what "sealtrail proof" wrote: .tlog-proof, .cose or .consistency.json')
      .summary('check proofs offline')
      .description(
        'Checks offline that the record beside a .tlog-proof file is in the log, as signed by the key; or, in a file of a\n' +
          'consistency proof, that the later checkpoint extends the earlier. Every file is judged, whatever the others are.',
      )
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file, or a list of keys with their sizes")
      .option('--record <file>', 'the record line (default: <file> with .record.json in place of .tlog-proof)')
      .option('--previous <file>', 'a checkpoint kept from earlier, which consistency proofs must begin with')
      .option(
        '--policy <file>',
        'witnesses that must have cosigned: needs <file>.witnessed.json, see "sealtrail witnessed"',
      ),
  ).action(async (files: readonly string[], options: Options) => {
    if (options.record !== undefined && files.length > 1) {
      throw new SealtrailError('usage', '--record belongs to one proof, and there are several');
    }
    const given = await givenBy(options);
    const unjudged: SealtrailError[] = [];
    for (const file of files) {
      try {
        const verdict = await judge(file, given);
        if (!verdict.ok) shell.exitCode = EXIT.wrong;
        await tell(shell.terminal, verdict, options.json, files.length > 1);
      } catch (error) {
        // The others are looked at all the same; what is not ours ends everything.
        if (!(error instanceof SealtrailError)) throw error;
        unjudged.push(naming(file, error));
      }
    }
    if (unjudged[0] !== undefined) {
      throw new SealtrailError(unjudged[0].code, unjudged.map(({ message }) => message).join('\n'), {
        cause: unjudged[0],
      });
    }
  });
};

/** The keys and checkpoints that files are judged by. */
interface Given {
  readonly trust: TrustedKeys;
  /** The file of the record. */
  readonly record: string | undefined;
  /** The checkpoint that growth must begin with. */
  readonly kept: string | undefined;
  /** Who must have cosigned. */
  readonly policy: Policy | undefined;
}

async function givenBy({ key, record, policy, previous }: Options): Promise<Given> {
  return {
    trust: await readTrust(key),
    record,
    policy: policy === undefined ? undefined : await readPolicy(policy),
    kept: previous === undefined ? undefined : await readText(previous, 'the checkpoint'),
  };
}

/** The result of one file. */
type Verdict =
  | ({ readonly file: string; readonly ok: true; readonly witnessed?: WitnessedProof } & (ProvenRecord | ProvenGrowth))
  | { readonly file: string; readonly ok: false; readonly code: ErrorCode; readonly reason: string };

/** The error with the file that it is about, where it does not say. */
function naming(file: string, error: SealtrailError): SealtrailError {
  if (error.message.includes(file)) return error;
  return new SealtrailError(error.code, `${file}: ${error.message}`, { cause: error });
}

/** Judges a file. Throws where there can be no verdict, as of a file that is not there or that is no proof. */
async function judge(file: string, given: Given): Promise<Verdict> {
  try {
    const proven = await provenBy(file, given);
    const { policy, trust } = given;
    if (policy === undefined) return { file, ok: true, ...proven };
    const head = await readText(witnessedFileOf(file), 'the cosigned head');
    const witnessed = checkWitnessedFile(head, 'to' in proven ? proven.to : proven, trust, policy);
    return { file, ok: true, ...proven, witnessed };
  } catch (error) {
    if (!(error instanceof SealtrailError) || exitCodeFor(error) !== EXIT.wrong) throw error;
    return { file, ok: false, code: error.code, reason: error.message };
  }
}

async function provenBy(file: string, { trust, record, kept }: Given): Promise<ProvenRecord | ProvenGrowth> {
  const bytes = await readBytes(file, 'the proof');
  // RFC 9052 section 2: the tag of a COSE_Sign1.
  if (bytes[0] === 0xd2) {
    if (kept !== undefined)
      throw new SealtrailError('usage', `--previous is for proofs that the log only grew, and ${file} is of a record`);
    const { checkCoseFile } = await import('../../../verify/files/cose-file.ts');
    const line = await readText(record ?? recordFileOf(file), 'the record');
    return checkCoseFile(bytes, line.replace(/\n$/, ''), trust);
  }
  const proof = fromUtf8(bytes, 'usage', `the proof ${file}`);
  // A C2SP tlog-proof begins with its name; what the server answers about consistency is JSON.
  if (proof.startsWith('{')) return checkConsistencyFile(proof, trust, kept);
  if (kept !== undefined) {
    throw new SealtrailError('usage', `--previous is for proofs that the log only grew, and ${file} is of a record`);
  }
  parseProof(proof); // what is no proof has no record beside it that could be missed
  const line = await readText(record ?? recordFileOf(file), 'the record');
  // The line feed that ends the file is not part of the line; every other byte is hashed as it stands, CR too.
  return checkProofFile(proof, line.replace(/\n$/, ''), trust);
}

/** For programs one line of JSON a file; for people a sentence, which names the file where there are several. */
async function tell(
  { stdout }: Terminal,
  verdict: Verdict,
  json: true | undefined,
  isOneOfMany: boolean,
): Promise<void> {
  if (json) return write(stdout, `${JSON.stringify(verdict)}\n`);
  const which = isOneOfMany ? `${verdict.file}: ` : '';
  const [format, label, words] = verdict.ok
    ? (['green', 'ok', `${sentenceOn(verdict)}.${witnessedSentence(verdict.witnessed)}`] as const)
    : (['red', 'wrong', `${verdict.reason}.`] as const);
  await writeLines(stdout, labelled(stdout, format, label, which + words));
}

function sentenceOn(proven: ProvenRecord | ProvenGrowth): string {
  if ('seq' in proven) {
    const { seq, trail, origin, size, keys } = proven;
    return (
      `Record ${count(seq)} of trail ${trail} is in the log ${origin}. It is one of the ${plural(size, 'record')} under a ` +
      `checkpoint signed by the key with the SHA-256 fingerprint ${keys.join(', ')}`
    );
  }
  const { from, to } = proven;
  return (
    `The checkpoint of ${plural(to.size, 'record')} of the log ${to.origin} extends that of ${plural(from.size, 'record')}. Both are ` +
    `signed, the later one by the key with the SHA-256 fingerprint ${to.keys.join(', ')}`
  );
}
