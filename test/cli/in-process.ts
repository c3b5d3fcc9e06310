import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { main } from '../../lib/cli/main.ts';
import type { SignedHttp } from '../../lib/client/http/http.ts';
import type { Embedded } from '../../lib/server/embedded.ts';
import { serve } from '../api/served.ts';

/** A stream that keeps what is written, and may say that it is a terminal. */
export class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns?: number;
  readonly #onText: (text: string) => void;

  constructor(columns?: number, onText: (text: string) => void = () => {}) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    if (columns !== undefined) this.columns = columns;
    this.#onText = onText;
  }

  /** As a real terminal has it: NO_COLOR and the like are looked at there. */
  getColorDepth(): number {
    return WriteStream.prototype.getColorDepth.call(this, { TERM: 'xterm-256color', ...process.env });
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    this.#onText(this.text);
    done();
  }
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | AsyncIterable<string>;
  /** Columns of a terminal; without, the output is none. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Told all that stdout holds, whenever it grows. */
  readonly onText?: (text: string) => void;
}

/** Runs a command line in this process: as the real one does, but for the process around it. */
export async function cli(
  args: readonly string[],
  { env = {}, input = '', columns, signal = new AbortController().signal, onText }: CliOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new Screen(columns, onText);
  const stderr = new Screen(columns);
  const stdin = Readable.from(typeof input === 'string' ? [input] : input);
  const code = await main(args, { stdin, stdout, stderr, env: { AWS_EC2_METADATA_DISABLED: 'true', ...env }, signal });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A log in a folder of its own, served on a free port, for the tests of one file. */
export interface TestLog {
  readonly folder: string;
  /** Its archive. */
  readonly archive: string;
  readonly log: Embedded;
  readonly url: string;
  /** Environment of a client with this profile. */
  env(profile: 'writer' | 'auditor' | 'admin'): Record<string, string>;
  client(profile: 'writer' | 'auditor' | 'admin'): SignedHttp;
  close(): Promise<void>;
}

export async function openTestLog(): Promise<TestLog> {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-cli-'));
  const data = join(folder, 'data');
  const { log, url, client, close } = await serve({ folder: data, logName: 'log.example' });
  return {
    ...{ folder, log, url, client },
    archive: join(data, 'archive'),
    env: (profile) => ({
      SEALTRAIL_ENDPOINT: url,
      AWS_SHARED_CREDENTIALS_FILE: join(data, 'credentials'),
      AWS_PROFILE: profile,
    }),
    close: async () => {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
