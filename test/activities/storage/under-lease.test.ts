import assert from 'node:assert/strict';
import { underLease } from '../../../activities/storage/under-lease.ts';
import { BackupError } from '../../../model/errors.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, remount, smallFileSystem, temporaryFolder } from '../../support/folders.ts';

describe('what is done under a lease', () => {
  after(cleanUp);

  const request = (state: string) => ({
    state,
    name: 'postgres',
    step: 'daily/postgres',
    attempt: 1,
    wait: 0,
    signal: new AbortController().signal,
  });

  it('frees it, whether it fails or not', async () => {
    const wanted = request(await temporaryFolder());
    assert.equal(await underLease(wanted, async ({ number }) => number), 1);
    await assert.rejects(
      underLease(wanted, async () => assert.fail('as it may')),
      /as it may/,
    );
    assert.equal(await underLease(wanted, async ({ number }) => number), 3);
  });

  it('fails by its own error on a disk that has become read-only meanwhile, and by that where there is no other', async () => {
    const state = await smallFileSystem('1m');
    const failing = underLease(request(state), async () => {
      remount(state, 'ro');
      throw new BackupError('verification-failed', 'It is not sound.');
    });
    await isBackupError(failing, 'verification-failed');
    remount(state, 'rw');
    const other = { ...request(state), name: 'mariadb' };
    const well = await isBackupError(
      underLease(other, async () => remount(state, 'ro')),
      'access-denied',
    );
    assert.match(well.message, /releasing the lease of mariadb failed: the file system is mounted read-only/);
    remount(state, 'rw');
  });
});
