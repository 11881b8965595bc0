/** The sample's private PostgreSQL, made once, with the rights that a production one has. */
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { createCluster } from '../../../../activities/sources/postgres/server.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import type { SamplePlace } from '../place.ts';
import { serverBinaries } from './programs.ts';
import { SUPERUSER } from './session.ts';

const ROLES = new URL('../../../roles/', import.meta.url);

/** Makes the cluster, empty; whoever may start it may be its superuser and its backup role, by socket. */
export async function makeCluster({ postgres }: SamplePlace, signal: AbortSignal): Promise<void> {
  const { folder } = await serverBinaries();
  await mkdir(postgres, { mode: 0o700 });
  await createCluster({
    data: postgres,
    binaries: folder,
    superuser: SUPERUSER,
    signal,
    args: ['--locale=C.UTF-8', '--no-instructions'],
  });
  const [hba, ident] = await Promise.all(
    ['postgres-pg_hba.conf', 'postgres-pg_ident.conf'].map((name) => readFile(new URL(name, ROLES), 'utf8')),
  );
  const user = userInfo().username;
  // The lines for administrators are ours; those of the backup role are the ones that the product ships.
  const superuser = `local all ${SUPERUSER} peer map=mosaic\n`;
  await writeOwned(path.join(postgres, 'pg_hba.conf'), `${superuser}${hba ?? ''}`);
  const own = user === 'root' ? [] : [`mosaic ${user} mosaic_backup`, `mosaic ${user} mosaic_check`];
  await writeOwned(
    path.join(postgres, 'pg_ident.conf'),
    `${ident ?? ''}${[`mosaic ${user} ${SUPERUSER}`, ...own, ''].join('\n')}`,
  );
}

async function writeOwned(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  const user = await serverUser();
  if (user) await chown(file, user.uid, user.gid);
}
