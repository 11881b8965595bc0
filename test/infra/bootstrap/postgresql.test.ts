/** PostgreSQL for the tests, as the set-up has put it into the cache. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { requireBinaries } from '../../../activities/sources/postgres/binaries.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { provideProgramsOf, programsFolder } from '../../support/postgres-programs.ts';

const run = promisify(execFile);
const REPAIR = new URL('../../../infra/bootstrap/repair-program.pl', import.meta.url).pathname;
const PROGRAMS = ['initdb', 'postgres', 'pg_basebackup', 'pg_verifybackup', 'pg_receivewal', 'pg_amcheck'];

describe('PostgreSQL of the set-up for tests', () => {
  after(cleanUp);

  for (const [major, programs] of [
    [16, PROGRAMS],
    [18, [...PROGRAMS, 'pg_combinebackup']],
  ] as const) {
    it(`has every program of version ${major} that tests need, and each runs`, async () => {
      await provideProgramsOf(major);
      for (const program of programs) assert.equal((await requireBinaries(major, { program })).major, major, program);
    });
  }

  it('repairs a program once: done again it changes nothing', async () => {
    const folder = path.join(await temporaryFolder(), 'bin');
    await mkdir(folder);
    const file = path.join(folder, 'pg_verifybackup');
    await cp(path.join(programsFolder(18), 'pg_verifybackup'), file);
    const before = await run('sha256sum', [file]);
    await run('perl', [REPAIR, file]);
    assert.deepEqual(await run('sha256sum', [file]), before);
  });

  it('refuses to repair what is no program', async () => {
    await assert.rejects(run('perl', [REPAIR, import.meta.filename]), /is no 64-bit little-endian ELF program/);
  });
});
