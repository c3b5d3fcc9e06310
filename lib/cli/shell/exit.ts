import { type ErrorCode, SealtrailError } from '../../log/error.ts';

/** The exit codes of all commands. */
export const EXIT = {
  /** Success: everything checked is valid. */
  ok: 0,
  /** A check failed: of a proof, a signature, a receipt or an archive. */
  wrong: 1,
  /** The command failed: wrong usage, unreadable input, a server that cannot be reached or refuses, even one event. */
  failed: 2,
  /** Nothing is wrong, but not all is proven: an export whose manifest the log does not state. */
  unproven: 3,
  /** Stopped by the user: 128 + SIGINT, as in shells. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For `--help`. */
export const EXIT_HELP = `
Exit codes:
  0  fine
  1  what was checked is not right (a proof, a signature, a receipt, an archive)
  2  it could not be done: wrong usage, unreadable input, or a server that cannot be reached or refuses (even one event)
  3  nothing is wrong, but not all is proven (verify-export where the log does not state the manifest,
     verify-receipt of receipts that are not sealed yet)`;

/** Errors that are a verdict on evidence, not a failure to check it. */
const VERDICTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['proof_mismatch', 'bad_signature', 'not_witnessed']);

/** The exit code for an error. */
export function exitCodeFor(error: unknown): ExitCode {
  return error instanceof SealtrailError && VERDICTS.has(error.code) ? EXIT.wrong : EXIT.failed;
}

/** Advice on an error, if any. */
export function adviceOn(error: SealtrailError): string | undefined {
  switch (error.code) {
    case 'unauthenticated':
      return error.message.startsWith('no AWS credentials')
        ? 'Credentials come from the AWS credential chain. For a server started with "sealtrail serve --data DIR":\n  export AWS_SHARED_CREDENTIALS_FILE=DIR/credentials AWS_PROFILE=admin'
        : 'The server did not accept the signature: are these credentials of its own credentials file, and is this clock right to 5 minutes?';
    case 'forbidden':
      return 'These credentials may not do this. "sealtrail serve" makes three profiles: writer appends, auditor reads and verifies, admin does all;\nchoose one with --profile or AWS_PROFILE.';
    case 'unavailable':
      return error.message.startsWith('cannot reach')
        ? 'Is the server running? Start one with "sealtrail serve", or point --endpoint or SEALTRAIL_ENDPOINT to it.'
        : undefined;
    case 'history_conflict':
      return 'This does not pass by itself. On the machine of the log: stop it, see "sealtrail doctor DIR", then put the newest database back, or rebuild it from the\narchive with "sealtrail rebuild DIR" (docs/operations.md, "The database is older than the archive"). Keep the events, and append them afterwards.';
    default:
      return undefined;
  }
}
