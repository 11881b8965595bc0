/**
 * GTIDs go on behind all that were ever given. The binary logs are set aside with the old data where they lie in them,
 * and a server without any would begin at 0-1-1 once more; from a lone state file it takes up where that ends (MariaDB
 * made it so for copies of a server: MYSQL_BIN_LOG::do_binlog_recovery). One number is left out: what was the last
 * transaction before is then no place in the new history, neither for a recovery to it nor for a replica that stands there.
 */
import { chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { ifThere } from '../../../storage/fs-errors.ts';
import type { InPlaceContext, InPlaceFacts, InPlaceFolders } from '../../types.ts';
import { behind, furthest } from '../gtid.ts';
import { gtidsOf } from '../gtids-in-file.ts';
import { binlogFiles } from './binlog-files.ts';
import { facts } from './facts.ts';

export async function settle(
  { place, work }: InPlaceContext<MariadbSource>,
  { before, ready }: InPlaceFolders,
  found: InPlaceFacts,
): Promise<void> {
  const { binlogs, gtids } = facts.parse(found);
  if (binlogs === null) return;
  const below = path.relative(place.data, binlogs);
  // Logs outside of the data folder stay where they are, and the server goes on behind them by itself.
  if (below.startsWith('..')) return;
  const old = path.join(before, below);
  const last = (await ifThere(binlogFiles(old)))?.at(-1);
  const known = [
    gtids,
    ...((await ifThere(readFile(`${old}.state`, 'utf8'))) ?? '').split('\n'),
    last ? (await gtidsOf(last.file, work)).end : '',
  ];
  const file = path.join(ready, `${below}.state`);
  await rm(file, { force: true });
  await writeFile(file, `${behind(furthest(known)).replaceAll(',', '\n')}\n`, { mode: 0o660 });
  const { uid, gid } = await stat(ready);
  await chown(file, uid, gid);
}
