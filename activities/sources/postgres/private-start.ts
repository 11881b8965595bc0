/** Private starts on restored data: what they need of this machine, and the start itself, which no file of production's decides. */
import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { PostgresEntry } from '../../../model/inventory.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import type { Work } from '../../work.ts';
import { serverStands } from '../in-place/processes.ts';
import type { Sandbox } from '../private-server/sandbox.ts';
import type { BackupReader } from '../types.ts';
import { findBinaries, installRemedy, type Binaries } from './binaries.ts';
import { machine, restoredMajor } from './engine.ts';
import { inventoryOrWhy, isolatedSettings, requireSuperuser } from './isolated.ts';
import { startServer, type PrivateServer } from './server.ts';

export interface Startable {
  readonly possible: true;
  readonly binaries: Binaries;
  readonly superuser: string;
  /** Or why it cannot be read. */
  readonly inventory: readonly PostgresEntry[] | BackupError;
}

const AUTO_CONF = 'postgresql.auto.conf';
/** Milliseconds that a server of a worker that was killed has to end: it ends its own processes within five seconds. */
const LEAVING = 15_000;
const POLL = 50;

const engine = z.looseObject({ arch: z.string().optional() });

/** What a start on it takes; or why none is possible here. @param sandbox where its programs are; absent: on this machine. */
export async function startable(
  backup: BackupReader,
  restored: string,
  sandbox?: Sandbox,
): Promise<Startable | { readonly possible: false; readonly why: string }> {
  const major = restoredMajor(backup.manifest);
  const { arch } = engine.parse(backup.manifest.engine);
  if (arch !== undefined && arch !== '' && arch !== machine()) {
    return { possible: false, why: `the data are ${arch}'s, and this machine is ${machine()}` };
  }
  const binaries = await findBinaries(major, { program: 'postgres', sandbox });
  if (!binaries) {
    const remedy = installRemedy(major, 'postgres');
    return {
      possible: false,
      why: `the server programs of PostgreSQL ${major} are not on this machine. ${remedy}`,
    };
  }
  const inventory = await inventoryOrWhy(backup);
  const superuser = await superuserOrNone(restored, inventory);
  if (superuser === undefined) return { possible: false, why: 'no superuser of the cluster may log in' };
  return { possible: true, binaries, superuser, inventory };
}

async function superuserOrNone(...of: Parameters<typeof requireSuperuser>): Promise<string | undefined> {
  return requireSuperuser(...of).catch((error: unknown) => {
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  });
}

export interface IsolatedStart {
  readonly data: string;
  readonly binaries: Binaries;
  readonly superuser: string;
  /** An empty folder for log and socket that the server's user can reach. */
  readonly runtime: string;
  /** They win over those that isolate it. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly work: Work;
}

/**
 * Starts a server on restored data that nothing of production's decides, and waits until it has left recovery.
 * Its `stop` puts back what was out of the way meanwhile.
 * @throws BackupError as `startServer`.
 */
export async function startIsolated({
  data,
  binaries,
  superuser,
  runtime,
  settings,
  work,
}: IsolatedStart): Promise<PrivateServer> {
  await untilLeft(data);
  const isolated = await isolatedSettings(data, binaries, work.signal);
  await setAutoConfAside(data);
  try {
    const server = await startServer({
      data,
      binaries: binaries.folder,
      sandbox: binaries.sandbox,
      superuser,
      runtime,
      isolated: true,
      settings: { ...isolated, ...settings },
      signal: work.signal,
      work,
    });
    return {
      ...server,
      async stop(how) {
        await server.stop(how);
        await putAutoConfBack(data);
      },
    };
  } catch (error) {
    await putAutoConfBack(data);
    throw error;
  }
}

/** ALTER SYSTEM's file is read whatever config_file says, so it is out of the way while the server runs. */
async function setAutoConfAside(data: string): Promise<void> {
  const file = path.join(data, AUTO_CONF);
  // Aside already: a start before this one was killed, and what lies in its place is only that server's.
  if ((await ifThere(lstat(asideOf(data)))) !== undefined) return rm(file, { force: true });
  await rename(file, asideOf(data));
}

/** Idempotent. */
async function putAutoConfBack(data: string): Promise<void> {
  await ifThere(rename(asideOf(data), path.join(data, AUTO_CONF)));
}

function asideOf(data: string): string {
  return path.join(data, `${AUTO_CONF}.restored`);
}

/** A server whose worker was killed ends with it, but takes its time: until then the folder is locked. */
async function untilLeft(data: string): Promise<void> {
  const until = Date.now() + LEAVING;
  while (Date.now() < until && (await serverStands(data, ['postgres']))) await wait(POLL);
}
