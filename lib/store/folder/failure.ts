import { SealtrailError } from '../../log/error.ts';

/** The system's code of an error (`ENOENT`), or undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A failed system call as an error of ours; what is none is returned as it is. */
export function folderError(cause: unknown, what: string): unknown {
  if (cause instanceof SealtrailError) return cause;
  const code = systemCode(cause);
  if (code === undefined) return cause;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new SealtrailError('store_full', `${what}: the disk is full (${code}): free some space`, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new SealtrailError('unavailable', `${what}: not permitted (${code}): check the permissions of the folder`, {
      cause,
    });
  }
  if (code === 'ELOOP') {
    return new SealtrailError('store_corrupt', `${what}: there is a symbolic link where none may be`, { cause });
  }
  return new SealtrailError('unavailable', `${what}: ${code}`, { cause });
}
