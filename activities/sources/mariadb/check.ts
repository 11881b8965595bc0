/**
 * The check of a restored data folder: a private start on it, comparison with the inventory, mariadb-check. It
 * happens in place, since a copy would cost as much again as the restore: afterwards the folder is that of a cleanly
 * stopped server with the same data. Killed in the middle it is a crashed one.
 */
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { inventoryHeader, mariadbEntry, type MariadbEntry } from '../../../model/inventory.ts';
import type { Manifest } from '../../../model/manifest.ts';
import type { Work } from '../../work.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import type { BackupReader, CheckContext } from '../types.ts';
import { CHECKS, failed, noneCompared, passed } from './checks.ts';
import { compareWithInventory, type Comparing } from './compare.ts';
import { engine } from './engine.ts';
import { seriesOf, whereItStands } from './facts.ts';
import { reachMoment } from './moment.ts';
import { physicalPosition } from './position.ts';
import { installedRelease } from './programs.ts';
import { hindranceOf, startIsolated } from './private-start.ts';
import type { PrivateServer } from './server.ts';
import { checkTables } from './table-check.ts';
import { startOrFail } from '../private-server/start-or-fail.ts';

/** What was looked at, and what not and why. Fails only when it was cancelled or this machine cannot do it. */
export async function check(context: CheckContext<MariadbSource>): Promise<readonly Check[]> {
  const { chain, restored, scratch, earlier, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const { manifest } = backup;
  const hindrance = await hindranceOf(manifest);
  if (hindrance !== undefined) return noneCompared(CHECKS, `not started: ${hindrance}`);
  const inventory = await readInventory(backup);
  const expendable = context.expendable === true;
  const moment = await reachMoment({ backup, inventory, restored, expendable, work });
  const started = Date.now();
  const server = await startOrFail(startIsolated({ data: restored, runtime: scratch, manifest, work }));
  if (server instanceof BackupError) {
    return [
      failed('start', server.message),
      ...noneCompared(CHECKS.slice(1), 'not compared: the server did not start'),
    ];
  }
  try {
    const took = ((Date.now() - started) / 1000).toFixed(1);
    const start = await judgeStart(server, manifest, took, work);
    return [start, ...(await lookInside(server, { inventory, moment, ...(earlier && { earlier }) }, backup, work))];
  } finally {
    await server.stop();
  }
}

/** It must have come as far as the backup did: a redo log that was not applied leaves no other trace. */
async function judgeStart(server: PrivateServer, manifest: Manifest, took: string, work: Work): Promise<Check> {
  const position = physicalPosition.safeParse(manifest.position).data;
  const { lsn } = await whereItStands(server.connection, { signal: work.signal });
  if (position && BigInt(lsn) < BigInt(position.lastLsn)) {
    return failed('start', `it recovered to LSN ${lsn} only, and the backup goes to ${position.lastLsn}`);
  }
  return passed('start', `recovered and open in ${took} s, with events, replication and network off`);
}

async function lookInside(
  server: PrivateServer,
  { earlier, ...about }: Pick<Comparing, 'inventory' | 'moment'> & Pick<CheckContext, 'earlier'>,
  backup: BackupReader,
  work: Work,
): Promise<readonly Check[]> {
  const { connection, pid } = server;
  const { version } = engine.parse(backup.manifest.engine);
  const here = (await installedRelease('mariadbd')) ?? '';
  const otherRows =
    seriesOf(here) === seriesOf(version) ? undefined : `MariaDB ${here} sums rows otherwise than ${version}`;
  const loaded = backup.manifest.position?.['method'] === 'logical';
  const proof = earlier ? { backup, earlier, here } : null;
  const compared = await whileServerWorks({ pid, phase: 'comparing', work }, ({ signal }) =>
    compareWithInventory({ ...about, connection, otherRows, loaded, proof, signal }),
  );
  const sound = await whileServerWorks({ pid, phase: 'checking tables', work }, (watched) =>
    checkTables(connection, watched),
  );
  return [...compared, sound];
}

export async function readInventory(backup: BackupReader): Promise<readonly MariadbEntry[]> {
  const entries: MariadbEntry[] = [];
  let isHeader = true;
  for await (const line of backup.lines('inventory')) {
    if (isHeader) inventoryHeader.parse(JSON.parse(line));
    else entries.push(mariadbEntry.parse(JSON.parse(line)));
    isHeader = false;
  }
  return entries;
}
