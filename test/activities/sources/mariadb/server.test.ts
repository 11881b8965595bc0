import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createDataFolder, startServer } from '../../../../activities/sources/mariadb/server.ts';
import { serverUser } from '../../../../activities/sources/mariadb/server-user.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

/** As MariaDB calls its temporary tables, also those of a server in production. */
const THEIRS = '#sql-temptable-1f4-1-0.MAI';

describe('private MariaDB servers', () => {
  const before = process.env['TMPDIR'];
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  after(cleanUp);

  it('remove no temporary table of another server, neither when their data are made nor when they start', async () => {
    const { signal } = new AbortController();
    const folder = await temporaryFolder();
    const [data, runtime, shared] = ['data', 'run', 'tmp'].map((name) => path.join(folder, name));
    assert.ok(data && runtime && shared);
    for (const each of [data, runtime, shared]) await mkdir(each, { mode: 0o755 });
    await writeFile(path.join(shared, THEIRS), 'rows of a query that runs');
    await giveTo(await serverUser(), shared, signal);
    // What stands for /tmp on a machine with a server in production.
    process.env['TMPDIR'] = shared;
    await createDataFolder({ data, signal, args: ['--innodb-log-file-size=16M', '--innodb-flush-method=nosync'] });
    assert.deepEqual(await readdir(shared), [THEIRS]);
    const server = await startServer({ data, runtime, args: ['--innodb-log-file-size=16M'], signal });
    try {
      assert.deepEqual(await readdir(shared), [THEIRS]);
      assert.deepEqual(await run(server.connection, 'SELECT @@tmpdir', { signal }), [runtime]);
    } finally {
      await server.stop();
    }
    // Where its socket has to be elsewhere.
    const long = path.join(folder, 'long'.repeat(25));
    await mkdir(long, { mode: 0o755 });
    const other = await startServer({ data, runtime: long, args: ['--innodb-log-file-size=16M'], signal });
    try {
      assert.equal((await readdir(shared)).length, 2);
    } finally {
      await other.stop();
    }
    assert.deepEqual(await readdir(shared), [THEIRS], 'and leave nothing there');
  });
});
