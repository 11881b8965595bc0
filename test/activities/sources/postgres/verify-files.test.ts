import assert from 'node:assert/strict';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { verifyFiles } from '../../../../activities/sources/postgres/verify-files.ts';
import { manifestFile, shareFiles } from '../../../../activities/sources/postgres/verify-shares.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';

const MIB = 1024 * 1024;

describe('P10 pg_verifybackup of a data folder, several at once', () => {
  let server: TestPostgres;
  let data: string;
  /** Of the manifest, the largest first. */
  let files: readonly { readonly path: string; readonly bytes: number }[];

  before(async () => {
    server = await startPostgres({ folder: await temporaryFolder() });
    for (const table of ['one', 'two', 'three']) {
      await server.sql(
        `CREATE TABLE ${table} AS SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 16000) AS i`,
      );
    }
    data = path.join(await temporaryFolder(), 'data');
    const connection = ['-h', server.socket, '-p', String(server.port), '-U', 'mosaic_backup'];
    await runProgram({
      command: path.join(server.binaries.folder, 'pg_basebackup'),
      args: [...connection, `--pgdata=${data}`, '--checkpoint=fast', '--manifest-checksums=SHA256', '--no-sync'],
    });
    const manifest = z.object({ Files: z.array(manifestFile) });
    const { Files } = manifest.parse(JSON.parse(await readFile(path.join(data, 'backup_manifest'), 'utf8')));
    assert.equal(shareFiles(Files, 2).length, 2, 'these data need no second verifier: the tests would prove nothing');
    files = Files.map(({ Path = '', Size }) => ({ path: Path, bytes: Size })).toSorted((a, b) => b.bytes - a.bytes);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  const verify = () => verifyFiles(server.binaries, data, testWork());

  async function flip(file: string, at: number): Promise<void> {
    const handle = await open(path.join(data, file), 'r+');
    try {
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
      await handle.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at);
    } finally {
      await handle.close();
    }
  }

  it('finds nothing where nothing is wrong', verify);

  it('a flipped byte is found in each of the large files, whoever has it, and in a small one', async () => {
    const large = files.filter(({ bytes }) => bytes > 10 * MIB).map(({ path }) => path);
    assert.equal(large.length, 3);
    for (const file of [...large, 'global/pg_control', 'PG_VERSION']) {
      await flip(file, 1);
      const error = await isBackupError(verify(), 'verification-failed');
      assert.match(String(error.facts['stderr']), new RegExp(`checksum mismatch for file "${file}"`));
      await flip(file, 1);
    }
    await verify();
  });

  it('a large file that is missing, cut off, or that nobody backed up is found', async () => {
    for (const { path: file, bytes } of files.slice(0, 3)) {
      const [place, aside] = [path.join(data, file), `${data}.aside`];
      await rename(place, aside);
      await isBackupError(verify(), 'verification-failed');
      await writeFile(place, (await readFile(aside)).subarray(0, bytes - 8192));
      await isBackupError(verify(), 'verification-failed');
      await rename(aside, place);
    }
    const stranger = path.join(data, `${files[0]?.path}_more`);
    await writeFile(stranger, Buffer.alloc(2 * MIB));
    await isBackupError(verify(), 'verification-failed');
    await rm(stranger);
    await verify();
  });

  it('WAL that cannot be read is found, and a manifest that was changed', async () => {
    const [segment] = (await readdir(path.join(data, 'pg_wal')))
      .filter((name) => /^[0-9A-F]{24}$/.test(name))
      .toSorted();
    await flip(`pg_wal/${segment}`, 0);
    await isBackupError(verify(), 'verification-failed');
    await flip(`pg_wal/${segment}`, 0);
    await flip('backup_manifest', 100);
    await isBackupError(verify(), 'verification-failed');
    await flip('backup_manifest', 100);
    await verify();
  });

  it('leaves no verifier behind when one of them has found something, or it is cancelled', async () => {
    const [largest] = files;
    await flip(largest?.path ?? '', 1);
    const work = testWork();
    await isBackupError(verifyFiles(server.binaries, data, work), 'verification-failed');
    await flip(largest?.path ?? '', 1);
    const cancelled = testWork();
    const running = verifyFiles(server.binaries, data, cancelled);
    cancelled.abort();
    await isBackupError(running, 'aborted');
    assert.deepEqual(await verifiersOf(data), []);
  });
});

/** Processes whose arguments name the folder. */
async function verifiersOf(data: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes('pg_verifybackup') && line.includes(data));
}
