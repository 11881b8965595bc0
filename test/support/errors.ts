/** Expected failures in tests. */
import assert from 'node:assert/strict';
import { BackupError, type ErrorCode } from '../../model/errors.ts';

/** The BackupError that a promise is rejected with; anything else fails the test. */
export async function isBackupError(promise: Promise<unknown>, code: ErrorCode): Promise<BackupError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof BackupError, String(error));
    assert.equal(error.code, code, error.message);
    return error;
  }
  return assert.fail(`nothing failed, where ${code} was expected`);
}
