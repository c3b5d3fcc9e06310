import { type Cosigner, parseCosigner } from '../log/cosignature.ts';
import { SealtrailError } from '../log/error.ts';
import { parseVkey, splitVkey, type Verifier } from '../log/note.ts';

/** The keys that a witness trusts for each log, by its origin. */
export type LogKeys = ReadonlyMap<string, readonly (Verifier | Cosigner)[]>;

/** The first line of a list. */
export const LOG_LIST_HEADER = 'logs/v0';

/**
 * Reads a list of logs: a line `logs/v0`, then for each log a line `vkey <vkey>` and, if its origin is not the name of the key,
 * a line `origin <origin>`. A log may have several keys. Lines `qpd` and `contact` are for people; `#` begins a comment.
 *
 * @throws `malformed_key`, naming the line
 * @see https://github.com/transparency-dev/witness-network, log lists
 */
export function parseLogList(text: string): LogKeys {
  const keys = new Map<string, (Verifier | Cosigner)[]>();
  let pending: Verifier | Cosigner | undefined;
  let hasHeader = false;
  const add = (origin: string | undefined): void => {
    if (pending !== undefined) keys.set(origin ?? pending.name, [...(keys.get(origin ?? pending.name) ?? []), pending]);
    pending = undefined;
  };
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (!hasHeader) {
      if (line !== LOG_LIST_HEADER) throw malformed(at, `a list of logs begins with the line ${LOG_LIST_HEADER}`);
      hasHeader = true;
      continue;
    }
    const [, keyword = '', value = ''] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (keyword === 'vkey') {
      add(undefined);
      pending = keyOf(at, value);
    } else if (keyword === 'origin') {
      if (pending === undefined) throw malformed(at, 'a line origin follows a line vkey');
      add(value);
    } else if (keyword !== 'qpd' && keyword !== 'contact') {
      throw malformed(at, 'a line is vkey, origin, qpd or contact, and its value');
    }
  }
  add(undefined);
  return keys;
}

function keyOf(at: number, vkey: string): Verifier | Cosigner {
  try {
    return splitVkey(vkey).typed[0] === 0x06 ? parseCosigner(vkey) : parseVkey(vkey);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw malformed(at, error.message, error);
  }
}

const malformed = (at: number, message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_key', `line ${at + 1} of the list of logs: ${message}`, { cause });
