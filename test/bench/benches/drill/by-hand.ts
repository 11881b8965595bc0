/** Sources of a drill brought back by hand, one after another, each from the same backup and logs at the same place. */
import { chown, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { serverUser as mariadbUser } from '../../../../activities/sources/mariadb/server-user.ts';
import { serverUser as postgresUser } from '../../../../activities/sources/postgres/server-user.ts';
import { becoming, type ServerUser } from '../../../../activities/sources/private-server/user.ts';
import { positionOf } from '../../../../activities/sources/redis/position.ts';
import { redisUser } from '../../../../activities/sources/redis/server-user.ts';
import { findPinned, listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { serverBinaries } from '../../../../infra/quickstart/sample/postgres/programs.ts';
import type { DrilledSource } from '../../../../model/drill/drill.ts';
import type { TestSite } from '../../../support/site.ts';
import { END, RECOVERIES, type Recovered } from '../../peers/recovery.ts';
import { shell } from '../../shell.ts';
import { VAULT } from './stack.ts';

const USERS: Readonly<Record<Recovered, () => Promise<ServerUser | undefined>>> = {
  postgres: postgresUser,
  mariadb: mariadbUser,
  redis: redisUser,
  files: () => Promise.resolve(undefined),
};

export interface ByHand {
  readonly test: TestSite;
  /** An empty folder that servers may pass. */
  readonly work: string;
  readonly signal: AbortSignal;
}

/** @returns seconds until it answers. */
export async function recoverByHand(
  { test: { site, identities }, work, signal }: ByHand,
  { source, type, choice }: DrilledSource,
): Promise<number> {
  if (!isRecovered(type) || !choice) throw new TypeError(`the sample has no ${type}`);
  const store = openDestination(VAULT, site);
  const catalogue = await listBackups(store);
  const within = site.config.destinations[VAULT];
  const root = within?.type === 'directory' ? within.path : '';
  const folders = (all: typeof catalogue) => all.map(({ folder }) => path.join(root, folder));
  const logs = catalogue.filter(({ manifest }) => manifest.source === source && manifest.kind === 'logs');
  const backup = findPinned(catalogue, choice.backup);
  const [BACKUP = ''] = folders([backup]);
  const user = await USERS[type]();
  const env = {
    WORK: work,
    IDENTITY: identities[0],
    BACKUP,
    LOGS: folders(logs).join(' '),
    RDB_BYTES: type === 'redis' ? String(positionOf(backup.manifest).rdbBytes ?? '') : '',
    OWNER: user ? `${user.uid}:${user.gid}` : String(process.getuid?.() ?? ''),
    AS: user ? ['setpriv', ...becoming(user), '--'].join(' ') : '',
    PROGRAMS: (await serverBinaries()).folder,
  };
  await mkdir(work, { mode: 0o711 });
  if (user) await chown(work, user.uid, user.gid);
  try {
    return (await shell(RECOVERIES[type], { env, signal })).seconds;
  } finally {
    await shell(END, { env, signal: new AbortController().signal });
    await rm(work, { recursive: true, force: true });
  }
}

export function isRecovered(type: string): type is Recovered {
  return Object.hasOwn(RECOVERIES, type);
}
