import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { completeFileOf, manifestFileOf, proofFileOf } from '../../../client/read/exporting.ts';
import { SealtrailError } from '../../../log/error.ts';
import type { ProvenExport } from '../../../verify/files/export-file.ts';
import type { WitnessedProof } from '../../../verify/files/proof-file.ts';
import { maskedSentence } from '../../output/pages.ts';
import { count, labelled, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { witnessedFileOf, witnessedSentence } from '../../output/witnessed.ts';
import { EXIT, exitCodeFor } from '../../shell/exit.ts';
import { type Install, withJson } from '../../shell/shell.ts';
import { readPolicy, readText, readTrust } from '../../shell/trust.ts';

interface Options {
  readonly key: string;
  readonly manifest?: string;
  readonly proof?: string;
  readonly complete?: string;
  readonly policy?: string;
  readonly json?: true;
}

export const installVerifyExport: Install = (program, shell) => {
  withJson(
    program
      .command('verify-export <file>')
      .summary('check an exported file offline')
      .description(
        'Checks offline that a file is what its manifest says, and that the log itself states the manifest, in a record of\n' +
          '_system under a checkpoint signed by the key; of NDJSON, that every line is a record of the log that passes the\n' +
          'filters, and whether any is missing: between the first and the last, or, by the proof beside the file, of those that\n' +
          'pass the filters, as far as the index vouches for it ("sealtrail verify --index" checks what the index says).',
      )
      .requiredOption('--key <file>', "the log's public key: a vkey or a PEM file")
      .option('--manifest <file>', 'the manifest (default: <file>.manifest.json)')
      .option('--proof <file>', 'the proof, where there is one (default: <file>.proof)')
      .option(
        '--complete <file>',
        'the proof that no record is left out, where there is one (default: <file>.complete)',
      )
      .option(
        '--policy <file>',
        'witnesses that must have cosigned: needs <file>.witnessed.json, see "sealtrail witnessed"',
      ),
  ).action(async (file: string, options: Options) => {
    const { stdout } = shell.terminal;
    const verdict = await verifyExport(file, options, shell.terminal).catch((error: unknown) => refusal(error));
    if ('reason' in verdict) shell.exitCode = EXIT.wrong;
    else if (!verdict.ok) shell.exitCode = EXIT.unproven;
    if (options.json) return write(stdout, `${JSON.stringify(verdict)}\n`);
    if ('reason' in verdict) return writeLines(stdout, labelled(stdout, 'red', 'wrong', `${verdict.reason}.`));
    const [format, word] = verdict.ok ? (['green', 'ok'] as const) : (['yellow', 'unproven'] as const);
    await writeLines(
      stdout,
      labelled(stdout, format, word, `${sentenceOn(file, verdict)}${witnessedSentence(verdict.witnessed)}`),
    );
  });
};

/** An export that does not hold. */
interface Refusal {
  readonly ok: false;
  readonly verdict: 'wrong';
  readonly code: string;
  readonly reason: string;
}

/** An export that holds. `unproven`: no one vouches for the manifest, whatever is proven of the records. */
type Held = {
  readonly ok: boolean;
  readonly verdict: 'ok' | 'unproven';
  readonly witnessed?: WitnessedProof;
} & ProvenExport;

/** A verdict on the evidence is an answer; anything else means that there is none. */
function refusal(error: unknown): Refusal {
  if (!(error instanceof SealtrailError) || exitCodeFor(error) !== EXIT.wrong) throw error;
  return { ok: false, verdict: 'wrong', code: error.code, reason: error.message };
}

async function verifyExport(file: string, options: Options, { signal }: Terminal): Promise<Held> {
  // Only now: the other commands start faster without a verifier.
  const { checkExport } = await import('../../../verify/files/export-file.ts');
  const trust = await readTrust(options.key);
  const manifest = await readText(options.manifest ?? manifestFileOf(file), 'the manifest');
  const proofFile = options.proof ?? proofFileOf(file);
  const hasProof = options.proof !== undefined || (await exists(proofFile));
  const completeFile = options.complete ?? completeFileOf(file);
  const hasComplete = options.complete !== undefined || (await exists(completeFile));
  const evidence = {
    manifest,
    file: bytesOf(file, signal),
    ...(hasProof ? { proof: bytesOf(proofFile, signal) } : {}),
    ...(hasComplete ? { complete: bytesOf(completeFile, signal) } : {}),
  };
  const proven = await checkExport(evidence, trust);
  const ok = proven.vouched === 'log';
  const held = { ok, verdict: ok ? 'ok' : 'unproven', ...proven } as const;
  if (options.policy === undefined) return held;
  const { checkWitnessedFile } = await import('../../../verify/files/proof-file.ts');
  const head = await readText(witnessedFileOf(file), 'the cosigned head');
  return { ...held, witnessed: checkWitnessedFile(head, proven, trust, await readPolicy(options.policy)) };
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function* bytesOf(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* createReadStream(file, { highWaterMark: 1_048_576, signal });
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause)
      throw new SealtrailError('usage', `cannot read ${file}`, { cause });
    throw cause;
  }
}

const COMPLETE: Readonly<Record<ProvenExport['complete'], string>> = {
  log: 'They are all that the checkpoint covers',
  range: 'None is missing between the first and the last',
  filters: 'No other record of the period passes them',
  unknown: 'Whether others should have passed the filters is not proven',
};

const VOUCHED: Readonly<Record<ProvenExport['vouched'], string>> = {
  log: 'The log states the manifest.',
  nobody: 'The log does not state the manifest',
  'unknown-key': 'The log states the manifest, and the key file has no key for _system to prove it with',
};

function sentenceOn(file: string, evidence: ProvenExport): string {
  const { records, proven, complete, indexed, origin, size, keys, format, unproven, vouched, masked = [] } = evidence;
  const claims = `: nothing proves what it says of ${unproven.join(', ')}.`;
  const said = [`${VOUCHED[vouched]}${vouched === 'log' ? '' : claims}`, ...masked.map(maskedSentence)].join(' ');
  const signed = `a checkpoint of ${plural(size, 'record')} signed by the key with the SHA-256 fingerprint ${keys.join(', ')}`;
  if (proven === 'file') {
    const alone =
      format === 'ndjson' ? 'the manifest names no proof' : `${format} does not hold their own bytes; NDJSON does`;
    return (
      `${file} is the file that the manifest describes, of ${plural(records, 'record')} of ${origin}, with ${signed}. ` +
      `${said} Each record by itself is not proven: ${alone}.`
    );
  }
  return `All ${count(records)} lines of ${file} are records of ${origin} and pass the manifest’s filters, under ${signed}. ${COMPLETE[complete]}${indexed === undefined || indexed === 0 ? '' : `: the index vouches for ${plural(indexed, 'record')}`}. ${said}`;
}
