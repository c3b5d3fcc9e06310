import { SealtrailError } from '../../log/error.ts';
import { systemCode } from '../system-error.ts';

/** Converts a failed system call to a SealtrailError; other errors are returned unchanged. */
export function folderError(cause: unknown, what: string): unknown {
  if (cause instanceof SealtrailError) return cause;
  const code = systemCode(cause);
  switch (code) {
    case undefined:
      return cause;
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new SealtrailError('store_full', `${what}: the disk is full (${code}): free some space`, { cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new SealtrailError('unavailable', `${what}: not permitted (${code}): check the folder's permissions`, {
        cause,
      });
    case 'ELOOP':
      return new SealtrailError('store_corrupt', `${what} is a symbolic link, which no folder of objects holds`, {
        cause,
      });
    case 'ENXIO':
      return new SealtrailError('store_corrupt', `${what} is a special file and not an object`, { cause });
    case 'ERR_FS_FILE_TOO_LARGE':
      return new SealtrailError('store_corrupt', `${what} is larger than any object can be`, { cause });
    default:
      return new SealtrailError('unavailable', `${what}: ${code}`, { cause });
  }
}

/** Does some work on a path, with the errors of {@link folderError}. */
export async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw folderError(error, path);
  }
}
