import { SealtrailError } from '../../log/error.ts';
import { systemCode } from '../system-error.ts';

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html); extended codes have them in the low byte. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const IOERR = 10;
const NOTADB = 26;

/** An error of `node:sqlite` as one of ours. Anything that did not come from SQLite is returned as it is. */
export function storeError(cause: unknown, file: string): unknown {
  if (systemCode(cause) === 'ERR_OUT_OF_RANGE') {
    return new SealtrailError('store_corrupt', `${file} is damaged: it holds a number that no item can`, { cause });
  }
  const code = primaryCode(cause);
  if (code === undefined) return cause;
  switch (code) {
    case BUSY:
    case LOCKED:
      return new SealtrailError(
        'in_use',
        `${file} is in use by another process: stop that one, or give this one a data folder of its own`,
        { cause },
      );
    case FULL:
      return new SealtrailError('store_full', `${file} cannot grow, the disk is full: free some space`, { cause });
    case CORRUPT:
    case NOTADB:
      return new SealtrailError('store_corrupt', `${file} is damaged: ${messageOf(cause)}`, { cause });
    case READONLY:
      return new SealtrailError('unavailable', `${file} cannot be written: check its permissions and its folder's`, {
        cause,
      });
    default:
      return new SealtrailError('unavailable', `${file} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** Whether the disk failed in a way that leaves open what reached it. */
export function isInputOutputError(cause: unknown): boolean {
  return primaryCode(cause) === IOERR;
}

function primaryCode(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('errcode' in cause) || typeof cause.errcode !== 'number') return undefined;
  return cause.errcode & 0xff;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
