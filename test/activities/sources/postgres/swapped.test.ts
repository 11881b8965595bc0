/** Files that are whole, and not those of the backup: only what the server itself wrote inside tells. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { combine } from '../../../../activities/sources/postgres/incremental/combine.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { Site } from '../../../../activities/site.ts';
import { pinned } from '../../../../activities/storage/manifest-file.ts';
import type { BackupError } from '../../../../model/errors.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, reader, SOURCE } from './backups.ts';

describe('a PostgreSQL backup with the files of another one', () => {
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  /** Two fulls, and an incremental on the second. */
  let other: BackupReader;
  let full: BackupReader;
  let incremental: BackupReader;
  let restores = 0;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, major: 18, settings: { summarize_wal: 'on' } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await capture(site, '2026-03-01T02:00:00Z');
    // Without what it builds on the next one is a full again.
    await rm(path.join(site.state, 'sources', SOURCE), { recursive: true });
    await capture(site, '2026-03-02T02:00:00Z');
    assert.equal((await capture(site, '2026-03-03T02:00:00Z')).kind, 'incremental');
    const found = (await listed(site)).toSorted((a, b) => a.folder.localeCompare(b.folder));
    const [first, second, third] = await Promise.all(found.map((backup) => reader(site, backup)));
    assert.ok(first && second && third);
    [other, full, incremental] = [first, second, third];
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  async function refused(chain: readonly BackupReader[]): Promise<BackupError> {
    const scratch = path.join(folder, `scratch-${restores++}`);
    await mkdir(scratch);
    const restored = postgres.restore({ source: SOURCE, work: testWork(), chain, scratch, paths: [] });
    return isBackupError(restored, 'verification-failed');
  }

  it('P10 is told by timeline, positions and backup_manifest', async () => {
    for (const wrong of [
      { timeline: 2 },
      { startLsn: '0/28' },
      { endLsn: 'FF/28' },
      { backupManifest: '0'.repeat(64) },
    ]) {
      const manifest = { ...full.manifest, position: { ...full.manifest.position, ...wrong } };
      const { message, facts } = await refused([{ ...full, manifest }]);
      assert.match(message, /is not the one that the manifest describes/);
      assert.ok(facts['inside'], JSON.stringify(wrong));
    }
  });

  it('P10 is told where it is an incremental, by the backup that it was taken from, and nothing is combined', async () => {
    const manifest = { ...incremental.manifest, parent: pinned(other.manifest) };
    const { message } = await refused([other, { ...incremental, manifest }]);
    assert.match(message, /says inside that it was taken from/);
  });

  it('P10 what pg_combinebackup makes is verified as well as what it is given', async () => {
    const programs = await temporaryFolder();
    for (const name of await readdir(server.binaries.folder))
      await symlink(path.join(server.binaries.folder, name), path.join(programs, name));
    const combining = path.join(programs, 'pg_combinebackup');
    await rm(combining);
    // As one with a bug, or with a disk that fails: it ends well, and one file is longer than it should be.
    const lines = [
      '#!/bin/sh -e',
      `${path.join(server.binaries.folder, 'pg_combinebackup')} "$@"`,
      'for each; do case $each in --output=*) out=${each#--output=} ;; esac; done',
      'echo more >> "$out/PG_VERSION"',
    ];
    await writeFile(combining, `${lines.join('\n')}\n`, { mode: 0o755 });
    const data = path.join(folder, 'combined');
    await mkdir(data);
    const place = { data, tablespaces: path.join(folder, 'none') };
    const binaries = { ...server.binaries, folder: programs };
    const combined = combine({ chain: [full, incremental], place, binaries, work: testWork() });
    const { facts } = await isBackupError(combined, 'verification-failed');
    assert.match(String(facts['stderr']), /"PG_VERSION" has size/);
  });
});
