/** A backup back into a folder that a server can start from. Nothing outside that folder is touched. */
import { chmod } from 'node:fs/promises';
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { giveTo } from '../private-server/user.ts';
import type { RestoreContext } from '../types.ts';
import { positionsOf } from './chain.ts';
import { engine } from './engine.ts';
import { compareVersions, seriesOf } from './facts.ts';
import { loadDump } from './load.ts';
import type { PhysicalPosition } from './position.ts';
import { prepareChain } from './prepare.ts';
import { programRelease, requireSeries } from './programs.ts';
import { planReplay } from './replay-plan.ts';
import { replayLogs } from './replay.ts';
import { serverUser } from './server-user.ts';

/**
 * Restores the chain. Its order, and the version of the programs here, are looked at before anything is fetched.
 * @throws BackupError `verification-failed`, `refused` and `missing-program` (this machine has other programs).
 */
export async function restore(context: RestoreContext<MariadbSource>): Promise<void> {
  const { chain, scratch, paths, work } = context;
  if (paths.length > 0) {
    throw new BackupError('usage', 'Single paths cannot be restored out of a MariaDB server.', {
      remedy: 'Restore it as a whole to a folder, start a server there, and copy what you need.',
    });
  }
  const [first] = chain;
  if (!first) throw new TypeError('a restore of nothing');
  const positions = positionsOf(chain.map(({ manifest }) => manifest));
  if (positions) {
    for (const { manifest } of chain) await requireSeries('mariadb-backup', versionOf(manifest));
    const replaying = planned(context, positions);
    await chmod(scratch, 0o700);
    await prepareChain(chain, positions, scratch, work);
    if (replaying && replaying.plan.files.length > 0) await replayLogs(replaying);
  } else {
    if (context.replay) throw noReplay();
    await requireNotOlder(versionOf(first.manifest));
    await loadDump(first, scratch, work);
    await chmod(scratch, 0o700);
  }
  await giveTo(await serverUser(), scratch, work.signal);
}

/** What is to be replayed, looked at before anything is fetched. */
function planned(
  { chain, replay, inPlace, scratch, work }: RestoreContext<MariadbSource>,
  positions: readonly PhysicalPosition[],
) {
  const [newest, position] = [chain.at(-1), positions.at(-1)];
  if (!replay || !newest || !position) return undefined;
  const { manifest } = newest;
  const logs = replay.logs.map((log) => log.manifest);
  const plan = planReplay({ manifest, position }, logs, replay.target);
  // In the place of production's own data no file of ours is left.
  const noteFor = inPlace ? undefined : manifest;
  return { plan, replay, position, engine: manifest.engine, noteFor, scratch, work };
}

function noReplay(): BackupError {
  return new BackupError('refused', 'No logs can be replayed onto a dump by this program. Nothing was fetched.', {
    remedy: 'Restore a backup by mariadb-backup (method: physical), or the dump alone.',
  });
}

/** The release that a backup is of. */
export function versionOf({ engine: recorded }: Manifest): string {
  return engine.parse(recorded).version;
}

/** Statements are understood by newer servers too. */
async function requireNotOlder(version: string): Promise<void> {
  const here = await programRelease('mariadbd');
  if (seriesOf(here) === seriesOf(version) || compareVersions(here, version) > 0) return;
  throw new BackupError(
    'refused',
    `The dump is of MariaDB ${version}, and the server here is ${here}, older. Nothing was fetched.`,
    {
      remedy: `Restore on a machine with MariaDB ${seriesOf(version)} or newer.`,
      facts: { here, backup: version },
    },
  );
}
