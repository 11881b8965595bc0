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
import { placeOf } from '../private-server/sandbox.ts';
import type { CheckContext } from '../types.ts';
import { amcheck } from './amcheck.ts';
import { dumped } from './dumped.ts';
import type { Binaries } from './binaries.ts';
import { CHECKS, failed, noneCompared, notCompared, passed } from './checks.ts';
import { compareWithInventory, type Comparing } from './compare.ts';
import { foreignLibc } from './engine.ts';
import { prepareRecovery, type NoRecovery } from './moment/recover.ts';
import { startable, startIsolated } from './private-start.ts';
import type { PrivateServer } from './server.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import { startOrFail } from '../private-server/start-or-fail.ts';

const engine = z.looseObject({
  libc: z.string().optional(),
  preloaded: z.string().optional(),
});

/** What was looked at, and what not and why. Fails only when it was cancelled or this machine cannot do it. */
export async function check(context: CheckContext<PostgresSource>): Promise<readonly Check[]> {
  const { chain, restored, scratch, sandbox, earlier, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const start = await startable(backup, restored, sandbox);
  if (!start.possible) return noneCompared(CHECKS, `not started: ${start.why}`);
  const { binaries, superuser, inventory: read } = start;
  const { libc, preloaded = '' } = engine.parse(backup.manifest.engine);
  const inventory = read instanceof BackupError ? null : read;

  const expendable = context.expendable === true;
  const moment = inventory
    ? await prepareRecovery({ backup, inventory, restored, scratch, expendable, binaries, work })
    : withoutInventory();
  const settings = moment.possible ? moment.settings : {};
  const proof = earlier ? { backup, earlier } : null;
  const started = Date.now();
  const server = await startOrFail(
    startIsolated({ data: restored, binaries, superuser, runtime: scratch, settings, work }),
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
      ...sortedBy(
        sandbox?.image ? undefined : libc,
        await lookInside(server, { inventory, moment, proof }, binaries, work),
      ),
    ];
  } finally {
    await server.stop();
  }
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
  about: Pick<Comparing, 'inventory' | 'moment' | 'proof'>,
  binaries: Binaries,
  work: Work,
): Promise<readonly Check[]> {
  const { connection, pid, activity } = server;
  const compared = await whileServerWorks({ pid, activity, phase: 'comparing', work }, (work) =>
    compareWithInventory({ ...about, connection, binaries, work }),
  );
  const sound = await whileServerWorks({ pid, activity, phase: 'checking pages and indexes', work }, (work) =>
    amcheck(connection, binaries, work),
  );
  const read = await whileServerWorks({ pid, activity, phase: 'reading every row', work }, (work) =>
    dumped(connection, binaries, work),
  );
  return [...compared, sound, read];
}
