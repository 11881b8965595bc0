/**
 * GTIDs go on behind all that were ever given. The binary logs are set aside with the old data where they lie in them,
 * and a server without any would begin at 0-1-1 once more; from a lone state file it takes up where that ends (MariaDB
 * made it so for copies of a server: MYSQL_BIN_LOG::do_binlog_recovery). One number is left out: what was the last
 * transaction before is then no place in the new history, neither for a recovery to it nor for a replica that stands there.
 * Where the last of the old logs is damaged nobody knows which number was the last: then very many are left out.
 */
import { chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { ifThere } from '../../../storage/fs-errors.ts';
import type { Work } from '../../../work.ts';
import type { InPlaceContext, InPlaceFacts, InPlaceFolders } from '../../types.ts';
import { behind, furthest } from '../gtid.ts';
import { gtidsOf, gtidsUntilDamage } from '../gtids-in-file.ts';
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
  const { end, leftOut } = last ? await endOf(last.file, work) : NOTHING;
  const known = [gtids, ...((await ifThere(readFile(`${old}.state`, 'utf8'))) ?? '').split('\n'), end];
  const file = path.join(ready, `${below}.state`);
  await rm(file, { force: true });
  await writeFile(file, `${behind(furthest(known), leftOut).replaceAll(',', '\n')}\n`, { mode: 0o660 });
  const { uid, gid } = await stat(ready);
  await chown(file, uid, gid);
}

const NOTHING = { end: '', leftOut: 1n };
/** More than any server commits between the last shipping and its end. */
const VERY_MANY = 1_000_000_000n;

/** The old data are replaced although what they had not shipped cannot be read: that is no reason to keep them in place. */
async function endOf(file: string, work: Work): Promise<typeof NOTHING> {
  try {
    return { end: (await gtidsOf(file, work)).end, leftOut: 1n };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    work.log.warn({ file, error: error.message }, 'the last binary log of the old data is damaged');
    return { end: (await gtidsUntilDamage(file, work)).end, leftOut: VERY_MANY };
  }
}
