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
/** SQLITE_IOERR_LOCK: the file is readable but not writable, and so cannot be locked. */
const READONLY_TO_LOCK = 3850;

/** Converts an error of `node:sqlite` to a SealtrailError. Other errors are returned unchanged. */
export function storeError(cause: unknown, file: string): unknown {
  if (systemCode(cause) === 'ERR_OUT_OF_RANGE') {
    return new SealtrailError('store_corrupt', `${file} is damaged: it holds a number that no item can`, { cause });
  }
  const code = resultCode(cause);
  if (code === undefined) return cause;
  if (code === READONLY_TO_LOCK) return notWritable(cause, file);
  switch (code & 0xff) {
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
      return notWritable(cause, file);
    default:
      return new SealtrailError('unavailable', `${file} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** True if the disk failed in a way that leaves it unknown what was written. */
export function isInputOutputError(cause: unknown): boolean {
  const code = resultCode(cause);
  return code !== undefined && (code & 0xff) === IOERR;
}

function notWritable(cause: unknown, file: string): SealtrailError {
  const advice = "check its permissions and its folder's, and that it is not on a network share";
  return new SealtrailError('unavailable', `${file} cannot be written: ${advice}`, { cause });
}

/** The extended result code of an error of `node:sqlite`; undefined for other errors. */
function resultCode(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('errcode' in cause) || typeof cause.errcode !== 'number') return undefined;
  return cause.errcode;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
