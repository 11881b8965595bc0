/** System errors of files as errors of ours: which file, what it means, what to do. */
import { BackupError } from '../../model/errors.ts';
import { isErrno, messageOf } from './errno.ts';

/** What a write failed with, `bytes` into the file; anything but a system error stays as it is. */
export function writeError(path: string, error: unknown, bytes: number): unknown {
  const facts = { file: path, bytes };
  const why = messageOf(error);
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    const remedy = 'Free space on its file system, or move the repository to a larger one.';
    return new BackupError('no-space', `No space left to write ${path}: ${why}`, { remedy, facts, cause: error });
  }
  if (isErrno(error, 'EACCES', 'EPERM')) {
    const remedy = 'Give the user of the worker write access to the folder.';
    return new BackupError('access-denied', `${path} may not be written: ${why}`, { remedy, facts, cause: error });
  }
  if (isErrno(error, 'EROFS')) {
    const remedy =
      'Look in `dmesg` why (a disk with errors is often remounted read-only), then mount it read-write again.';
    return new BackupError('access-denied', `${path} is on a read-only file system.`, { remedy, facts, cause: error });
  }
  if (isErrno(error, 'EEXIST')) {
    return new BackupError('conflict', `${path} exists already; it is left as it is.`, { facts, cause: error });
  }
  if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EIO', 'EFBIG', 'ENXIO')) {
    return new BackupError('failed', `${path} could not be written: ${why}`, { facts, cause: error });
  }
  return error;
}

/** What a read failed with; anything but a system error stays as it is. */
export function readError(path: string, error: unknown): unknown {
  const facts = { file: path };
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) {
    return new BackupError('not-found', `${path} does not exist.`, { facts, cause: error });
  }
  if (isErrno(error, 'EACCES', 'EPERM')) {
    const remedy = 'Give the user of the worker read access to it.';
    return new BackupError('access-denied', `${path} may not be read.`, { remedy, facts, cause: error });
  }
  if (isErrno(error, 'EIO', 'EISDIR', 'ENXIO')) {
    return new BackupError('failed', `${path} could not be read: ${messageOf(error)}`, { facts, cause: error });
  }
  return error;
}
