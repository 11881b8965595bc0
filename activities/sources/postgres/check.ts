/**
 * The check of a restored cluster: a private start on it, comparison with the inventory, pg_amcheck. It happens in
 * place, since a copy would cost as much again as the restore: afterwards the folder is that of a cleanly stopped
 * server with the same data, its backup_label used up. Killed in the middle it is a crashed one.
 */
import { z } from 'zod';
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import type { Work } from '../../work.ts';
import type { Sandbox } from '../private-server/sandbox.ts';
import type { CheckContext } from '../types.ts';
import { amcheck } from './amcheck.ts';
import { dumped } from './dumped.ts';
import { findBinaries, installRemedy, type Binaries } from './binaries.ts';
import { CHECKS, failed, noneCompared, notCompared, passed } from './checks.ts';
import { compareWithInventory, type Comparing } from './compare.ts';
import { foreignLibc, machine } from './engine.ts';
import { inventoryOrWhy, isolatedSettings, requireSuperuser, withoutAutoConf } from './isolated.ts';
import { prepareRecovery, type NoRecovery } from './moment/recover.ts';
import { restoredMajor } from './restore.ts';
import { startServer, type PrivateServer } from './server.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import { startOrFail } from '../private-server/start-or-fail.ts';

const engine = z.looseObject({
  arch: z.string().optional(),
  libc: z.string().optional(),
  preloaded: z.string().optional(),
});

/** What was looked at, and what not and why. Fails only when it was cancelled or this machine cannot do it. */
export async function check(context: CheckContext<PostgresSource>): Promise<readonly Check[]> {
  const { chain, restored, scratch, sandbox, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const major = restoredMajor(backup.manifest);
  const { arch, libc, preloaded = '' } = engine.parse(backup.manifest.engine);
  if (arch !== undefined && arch !== '' && arch !== machine()) {
    return noneCompared(CHECKS, `not started: the data are ${arch}'s, and this machine is ${machine()}`);
  }
  const binaries = await findBinaries(major, { program: 'postgres', sandbox });
  if (!binaries) {
    const remedy = installRemedy(major, 'postgres');
    return noneCompared(
      CHECKS,
      `not started: the server programs of PostgreSQL ${major} are not on this machine. ${remedy}`,
    );
  }
  const read = await inventoryOrWhy(backup);
  const superuser = await superuserOrNone(restored, read);
  if (superuser === undefined) return noneCompared(CHECKS, 'not started: no superuser of the cluster may log in');
  const inventory = read instanceof BackupError ? null : read;

  return withoutAutoConf(restored, async () => {
    const expendable = context.expendable === true;
    const moment = inventory
      ? await prepareRecovery({ backup, inventory, restored, scratch, expendable, binaries, work })
      : withoutInventory();
    const started = Date.now();
    const server = await startOrFail(
      startServer({
        data: restored,
        binaries: binaries.folder,
        sandbox,
        superuser,
        runtime: scratch,
        isolated: true,
        settings: {
          ...(await isolatedSettings(restored, binaries, work.signal, 'server')),
          ...(moment.possible ? moment.settings : {}),
        },
        signal: work.signal,
        work,
      }),
    );
    if (server instanceof BackupError) {
      return [
        failed('start', server.message),
        ...noneCompared(CHECKS.slice(1), 'not compared: the server did not start'),
      ];
    }
    try {
      const took = ((Date.now() - started) / 1000).toFixed(1);
      const libraries = preloaded === '' ? '' : `; without the preloaded libraries ${preloaded}`;
      return [
        passed('start', `recovered and open for writing in ${took} s${placeOf(sandbox)}${libraries}`),
        ...(read instanceof BackupError ? [failed('inventory', read.message)] : []),
        ...sortedBy(sandbox?.image ? undefined : libc, await lookInside(server, { inventory, moment }, binaries, work)),
      ];
    } finally {
      await server.stop();
    }
  });
}

async function superuserOrNone(...of: Parameters<typeof requireSuperuser>): Promise<string | undefined> {
  return requireSuperuser(...of).catch((error: unknown) => {
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  });
}

function placeOf(sandbox: Sandbox | undefined): string {
  return sandbox?.image ? `, in a container of ${sandbox.image}` : '';
}

function withoutInventory(): NoRecovery {
  return { possible: false, check: notCompared('rows', 'rows not compared: the inventory is damaged') };
}

/** musl has no version that PostgreSQL could compare, so a copy under another C library would pass for sound. */
export function sortedBy(libc: string | undefined, checks: readonly Check[]): readonly Check[] {
  if (libc === undefined || !foreignLibc(libc)) return checks;
  const message = `text was sorted by ${libc}, and this machine has another C library: REINDEX before use`;
  return checks.map((check) => (check.name === 'collations' ? failed('collations', message) : check));
}

async function lookInside(
  server: PrivateServer,
  about: Pick<Comparing, 'inventory' | 'moment'>,
  binaries: Binaries,
  work: Work,
): Promise<readonly Check[]> {
  // Settings that a database or a role was given must not load production's libraries either.
  const options = '-c session_preload_libraries= -c local_preload_libraries=';
  const connection = { ...server.connection, options };
  const { pid, activity } = server;
  const compared = await whileServerWorks({ pid, activity, phase: 'comparing', work }, (work) =>
    compareWithInventory({ ...about, connection, work }),
  );
  const sound = await whileServerWorks({ pid, activity, phase: 'checking pages and indexes', work }, (work) =>
    amcheck(connection, binaries, work),
  );
  const read = await whileServerWorks({ pid, activity, phase: 'reading every row', work }, (work) =>
    dumped(connection, binaries, work),
  );
  return [...compared, sound, read];
}
