import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isRecord, readBinlogPosition, readCheckpoints } from '../../../../activities/sources/mariadb/position.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

/** As mariadb-backup 10.11 writes it. */
const CHECKPOINTS = 'backup_type = incremental\nfrom_lsn = 47331\nto_lsn = 18446744073709551000\nlast_lsn = 60299\n';
const INFO = `uuid = 3f2c\nbinlog_pos = filename 'mysql-bin.000002', position '344', GTID of the last change '0-1-4,1-2-9'\n`;

describe("mariadb-backup's own record", () => {
  after(cleanUp);

  // Only 10.11 can be had for the tests: of 11 it is the names that are known to differ.
  for (const prefix of ['xtrabackup_', 'mariadb_backup_']) {
    it(`is read under the names ${prefix}…, with numbers that are larger than JSON's`, async () => {
      const folder = await temporaryFolder();
      await writeFile(path.join(folder, `${prefix}checkpoints`), CHECKPOINTS);
      await writeFile(path.join(folder, `${prefix}info`), INFO);
      assert.deepEqual(await readCheckpoints(folder), {
        type: 'incremental',
        fromLsn: '47331',
        toLsn: '18446744073709551000',
        lastLsn: '60299',
      });
      const expected = { file: 'mysql-bin.000002', position: 344, gtid: '0-1-4,1-2-9' };
      assert.deepEqual(await readBinlogPosition(folder), expected);
      assert.ok(isRecord(`${prefix}checkpoints`) && !isRecord('ibdata1'));
    });
  }

  it('that is missing or not understood is none: nothing is made up', async () => {
    const folder = await temporaryFolder();
    await isBackupError(readCheckpoints(folder), 'verification-failed');
    await writeFile(path.join(folder, 'xtrabackup_checkpoints'), CHECKPOINTS.replace('60299', 'unknown'));
    await isBackupError(readCheckpoints(folder), 'verification-failed');
    await writeFile(path.join(folder, 'xtrabackup_info'), 'uuid = 3f2c\n');
    assert.equal(await readBinlogPosition(folder), null, 'the server writes no binary log');
  });
});
