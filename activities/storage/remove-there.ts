/** Deletion in a folder that may go away meanwhile: what is deleted nowhere must not count as deleted. */
import { stat } from 'node:fs/promises';
import { BackupError } from '../../model/errors.ts';
import { fileOf, removeObject } from './directory.ts';
import { ifThere, translated } from './fs-errors.ts';
import { writeThere, type Presence } from './while-there.ts';

/** Deletes an object for good; one that is not there is fine. @throws BackupError `unreachable` where its place was away. */
export async function removeThere(presence: Presence, key: string): Promise<void> {
  await writeThere(presence, () => removeObject(presence.root, key));
  const file = fileOf(presence.root, key);
  if ((await translated(file, `looking for ${key}`, () => ifThere(stat(file)))) === undefined) return;
  throw new BackupError(
    'unreachable',
    `${file} was deleted, and is there again: the ${presence.what} was away meanwhile.`,
    {
      remedy: 'Look in `dmesg` whether its disk or its mount comes and goes; the next prune deletes it.',
      facts: { path: file },
    },
  );
}
