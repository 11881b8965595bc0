/** The programs of PostgreSQL that the sample runs on. */
import { findBinaries, type Binaries } from '../../../../activities/sources/postgres/binaries.ts';
import { BackupError } from '../../../../model/errors.ts';

/** The version that the sample is made for; where Debian has another, the newest that is here serves. */
const MAJOR = 15;

/** The programs of the server, for the sample and for private starts on what was restored from it. */
export async function serverBinaries(): Promise<Binaries> {
  const found = await findBinaries(MAJOR, { program: 'initdb', newer: true });
  if (found) return found;
  throw new BackupError('missing-program', 'The programs of a PostgreSQL server are not on this machine', {
    remedy: '"npm start" installs them; or: apt-get install postgresql-15',
  });
}
