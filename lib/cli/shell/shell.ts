import type { Command } from 'commander';
import { defined } from '../../base/defined.ts';
import { type CredentialChoice, credentialChain } from '../../client/http/credential-chain.ts';
import { SignedHttp } from '../../client/http/http.ts';
import { SealtrailError } from '../../log/error.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { Terminal } from '../output/terminal.ts';
import { EXIT } from './exit.ts';

/** Runs a command line as `main` does and returns its exit code. */
export type RunCommand = (args: readonly string[], terminal: Terminal) => Promise<number>;

/** A command's environment: its terminal, its exit code, and access to other commands. */
export class Shell {
  readonly terminal: Terminal;
  readonly run: RunCommand;
  /** One of {@link EXIT}; of a command that runs another program, that one's. */
  exitCode: number = EXIT.ok;

  constructor(terminal: Terminal, run: RunCommand) {
    this.terminal = terminal;
    this.run = run;
  }
}

/** Adds a command to the program. */
export type Install = (program: Command, shell: Shell) => void;

/** The server and the caller: options of every command that talks to a server. */
export interface ServerOptions {
  readonly endpoint?: string;
  readonly profile?: string;
  readonly region?: string;
}

const SERVER = {
  endpoint: ['<url>', 'where the server is (default: SEALTRAIL_ENDPOINT)'],
  profile: ['<name>', 'AWS profile to sign with (default: AWS_PROFILE)'],
  region: ['<name>', 'AWS region to sign for (default: AWS_REGION, else us-east-1)'],
} as const satisfies Record<keyof ServerOptions, readonly [value: string, help: string]>;

/** The names of the options that {@link withServer} adds. */
export const SERVER_OPTIONS: readonly string[] = Object.keys(SERVER);

/** Adds the options for the server and the caller. */
export function withServer(command: Command): Command {
  for (const [name, [value, help]] of Object.entries(SERVER)) command.option(`--${name} ${value}`, help);
  return command;
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for programs');
}

/** Where a server is, and whose credentials sign, by the options or the environment. */
export interface ServerChoice {
  readonly endpoint: string;
  /** Undefined: by the endpoint's name. */
  readonly region: string | undefined;
  readonly credentials: CredentialChoice;
}

/**
 * The server and the caller named by the options or the environment.
 *
 * @throws `usage` if no endpoint is known
 */
export function serverOf({ env }: Terminal, options: ServerOptions): ServerChoice {
  const endpoint = options.endpoint ?? env.SEALTRAIL_ENDPOINT ?? '';
  if (endpoint === '') {
    throw new SealtrailError(
      'usage',
      'no server to talk to: start one with "sealtrail serve --data DIR --port 8321", then set SEALTRAIL_ENDPOINT=http://127.0.0.1:8321',
    );
  }
  const region = options.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  return {
    endpoint,
    region: region === '' ? undefined : region,
    credentials: defined({
      profile: options.profile ?? env.AWS_PROFILE,
      filepath: env.AWS_SHARED_CREDENTIALS_FILE,
    }),
  };
}

/**
 * Makes a signing client for the server named by the options or the environment.
 *
 * @throws `usage` if no endpoint is known
 */
export function connect(terminal: Terminal, options: ServerOptions): SignedHttp {
  const { endpoint, region, credentials } = serverOf(terminal, options);
  return new SignedHttp({ endpoint, credentials: credentialChain(credentials), ...defined({ region }) });
}

/** For option parsers: an option that may be repeated. */
export function collect(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? before.map(String) : []), value];
}

/** For argument parsers: the name of a trail. @throws `invalid_trail` */
export function trailName(text: string): string {
  if (isTrailName(text) || isSystemTrailName(text)) return text;
  throw new SealtrailError(
    'invalid_trail',
    `"${text}" is no trail: a name has 1 to 63 of a-z, 0-9 and -, the first not -`,
  );
}

/** For option parsers: a whole number in a range. @throws `usage` */
export function integer(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw new SealtrailError('usage', `${name} must be a whole number from ${least} to ${most}, not "${text}"`);
    }
    return value;
  };
}
