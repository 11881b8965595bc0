/** What the operating system says about a file, as an error that tells what to do. */
import { BackupError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';

const MEANINGS: Readonly<
  Record<string, { readonly code: ErrorCode; readonly means: string; readonly remedy: string }>
> = {
  ENOSPC: {
    code: 'no-space',
    means: 'the disk is full',
    remedy: 'Free space there, or give the place a bigger disk; the step is tried again.',
  },
  EDQUOT: {
    code: 'no-space',
    means: 'the quota is used up',
    remedy: 'Free space there, or raise the quota; the step is tried again.',
  },
  EROFS: {
    code: 'access-denied',
    means: 'the file system is mounted read-only',
    remedy: 'Look in `dmesg` why, then mount it read-write again.',
  },
  EACCES: {
    code: 'access-denied',
    means: 'permission is denied',
    remedy: 'Give the user that runs mosaic-backup this folder (chown) with mode 0700.',
  },
  EPERM: {
    code: 'access-denied',
    means: 'the operation is not permitted',
    remedy: 'Look at the owner, the mode and `lsattr` of the folder.',
  },
  EIO: {
    code: 'failed',
    means: 'the device reports an I/O error',
    remedy: 'Look in `dmesg` and at the health of the disk (smartctl -a).',
  },
  EISDIR: {
    code: 'failed',
    means: 'a folder lies where a file should be',
    remedy: 'See who has put it there, and move it away; another copy can be copied there again.',
  },
  ESTALE: { code: 'unreachable', means: 'the network mount has gone stale', remedy: 'Mount it again.' },
  ENOTCONN: { code: 'unreachable', means: 'the mount has lost its connection', remedy: 'Mount it again.' },
  EHOSTDOWN: {
    code: 'unreachable',
    means: 'the file server is down',
    remedy: 'Bring the file server back; the step is tried again.',
  },
  ETIMEDOUT: {
    code: 'unreachable',
    means: 'the file server does not answer',
    remedy: 'Bring the file server back; the step is tried again.',
  },
};

/** The code of a failed system call (`ENOENT`, …); undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * A system error as a `BackupError`; errors that have no meaning of their own here come back unchanged, as they are bugs
 * or already ours.
 * @param doing what was being done, as in `writing daily/postgres/… to vault`.
 */
export function storageError(error: unknown, path: string, doing: string): unknown {
  if (error instanceof BackupError) return error;
  const errno = errnoOf(error);
  const meaning = errno === undefined ? undefined : MEANINGS[errno];
  if (errno === undefined || meaning === undefined) return error;
  return new BackupError(meaning.code, `${doing} failed: ${meaning.means} (${path}).`, {
    remedy: meaning.remedy,
    facts: { path, errno },
    cause: error,
  });
}

/** Runs a file operation with its system errors translated. */
export async function translated<T>(path: string, doing: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw storageError(error, path, doing);
  }
}

/** The result of a file operation, or undefined when the file or a folder above it does not exist. */
export async function ifThere<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Whether an operation failed because the file, or a folder above it, does not exist. */
export function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR';
}
