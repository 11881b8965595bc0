/** What is wrong with a wrapped identity, in words. */
import { armor } from 'age-encryption';
import { BackupError } from '../../model/errors.ts';

/** The bytes of an armored age file. @throws BackupError `verification-failed` where it is none. */
export function decodeArmor(armored: string): Uint8Array {
  try {
    return armor.decode(armored);
  } catch (cause) {
    throw damagedKey('it is not an armored age file', cause);
  }
}

/** The wrap is whole, and for others. */
export function notOpened(cause: unknown): BackupError {
  return new BackupError('missing-identity', 'None of the identities at hand opens the key of this backup.', {
    remedy: 'Use an identity whose recipient was in the config when the backup was made: see the recovery kit.',
    cause,
  });
}

export function damagedKey(why: string, cause?: unknown): BackupError {
  return new BackupError('verification-failed', `The wrapped key of this backup is damaged: ${why}.`, {
    remedy: 'Use another copy of the backup; key.age beside the artifacts holds the same key once more.',
    cause,
  });
}
