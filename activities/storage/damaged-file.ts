/** What is said of a local file that is not what its manifest says, and is therefore not copied. */
import { BackupError } from '../../model/errors.ts';
import type { Stored } from './types.ts';

/** @param to name of the destination. */
export function missingFile(file: string, to: string): BackupError {
  return new BackupError(
    'verification-failed',
    `${file} is not there, though its manifest names it. It was not copied to ${to}.`,
    {
      remedy: 'Do not rely on this backup. See who removed the file, use another copy, and take a new backup.',
      facts: { file },
    },
  );
}

export interface Damage {
  readonly key: string;
  readonly file: string;
  readonly expected: Stored;
  /** What the file is. */
  readonly found: Stored;
  /** Name of the destination. */
  readonly to: string;
}

export function damagedFile({ key, file, expected, found, to }: Damage): BackupError {
  return new BackupError(
    'verification-failed',
    `${file} is damaged: its size or digest is not what its manifest says. It was not copied to ${to}.`,
    {
      remedy:
        'Do not rely on this backup. Look at the disk that it is on (dmesg, smartctl -a), use another copy, and take a new backup.',
      facts: {
        key,
        file,
        expectedBytes: expected.bytes,
        expectedSha256: expected.sha256,
        foundBytes: found.bytes,
        foundSha256: found.sha256,
      },
    },
  );
}

/** Whether two objects are the same bytes. */
export function isEqual(a: Stored, b: Stored): boolean {
  return a.bytes === b.bytes && a.sha256 === b.sha256;
}
