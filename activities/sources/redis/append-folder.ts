/** Where append-only files lie in a data folder. Redis takes any name for it that has no slash. */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Position } from './position.ts';

type Names = Pick<Position['names'], 'appenddirname'>;

/** Beside the dump: there is no folder of their own. */
export function isBeside({ appenddirname }: Names): boolean {
  return appenddirname === '.';
}

/** In the folder around the data, where others' files lie. */
export function isOutside({ appenddirname }: Names): boolean {
  return appenddirname === '..';
}

/** @throws BackupError `refused` where that would be outside of the data folder: what is there is nobody's to replace. */
export function appendFolder(data: string, names: Names): string {
  if (!isOutside(names)) return path.join(data, names.appenddirname);
  throw new BackupError(
    'refused',
    'The appenddirname of the backup is "..": its append-only files would lie outside of what is restored. Nothing was changed.',
    {
      remedy:
        'Take dump.rdb out of the backup by hand (docs/redis.md), start a server on it with "appendonly no", and turn append-only files on there: CONFIG SET appendonly yes.',
    },
  );
}
