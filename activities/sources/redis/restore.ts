/** A backup back into a data folder that a server comes up on with every key. Nothing outside that folder is touched. */
import { chmod, mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Program } from '../../streams/types.ts';
import type { BackupReader, RestoreContext } from '../types.ts';
import { giveTo } from '../private-server/user.ts';
import { appendFolder } from './append-folder.ts';
import { expectedOf } from './compare.ts';
import { readInventory } from './inventory.ts';
import { cutAt, requireReachable } from './point-in-time.ts';
import { positionOf, type Position } from './position.ts';
import { prepareAof } from './prepare-aof.ts';
import { engineOf, requirePrograms } from './programs.ts';
import { redisUser } from './server-user.ts';
import { requireSound } from './sound.ts';
import { requireWholeSet } from './whole-set.ts';

type Context = RestoreContext<RedisSource>;

/**
 * Extracts, lets Redis' own tools look at every byte, and where the server loads append-only files makes them.
 * @throws BackupError `missing-program` before anything is fetched; `refused` for a time that this backup does not
 *   reach; `verification-failed`.
 */
export async function restore(context: Context): Promise<void> {
  const { chain, scratch, paths, replay, work } = context;
  const [backup, ...more] = chain;
  if (!backup || more.length > 0) throw new TypeError('a Redis backup is one full');
  if (paths.length > 0) {
    throw new BackupError('usage', 'Single paths cannot be restored out of a Redis backup.', {
      remedy:
        'Restore it as a whole to a folder, start a server there, and copy the keys that you need (DUMP, RESTORE).',
    });
  }
  const position = positionOf(backup.manifest);
  const cut = requireReachable(position, replay?.target);
  const programs = await requirePrograms(engineOf(backup.manifest), context.sandbox);
  const isPrepared = position.method !== 'aof' && position.appendonly;
  if (isPrepared || position.method === 'aof') appendFolder(scratch, position.names);
  await chmod(scratch, 0o700);
  if (position.method === 'aof') {
    const manifest = await extractAof(backup, position, scratch);
    await requireWholeSet(programs.checkAof, manifest, work);
    if (cut !== undefined) await cutAt(programs.checkAof, manifest, cut, work);
  } else {
    const file = await extractRdb(backup, position, scratch);
    if (isPrepared) {
      const expected = expectedOf(await readInventory(backup));
      await prepareAof({ data: scratch, names: position.names, programs, expected, work });
    } else await requireSound(programs.checkRdb, file, work);
  }
  await giveTo(await redisUser(), scratch, work.signal);
}

/** @returns its path. */
async function extractRdb(backup: BackupReader, { names, rdbBytes }: Position, scratch: string): Promise<string> {
  const file = path.join(scratch, names.dbfilename);
  await backup.into('base', 'dump.rdb.zst.age', writeTo(file));
  const { size } = await stat(file);
  // A stream may end with a mark that is not the RDB's: see stream.ts.
  if (rdbBytes !== undefined && size > rdbBytes) await truncate(file, rdbBytes);
  await chmod(file, 0o600);
  return file;
}

/** @returns the path of the set's manifest. */
async function extractAof(backup: BackupReader, { names, files = [] }: Position, scratch: string): Promise<string> {
  const folder = appendFolder(scratch, names);
  await mkdir(folder, { mode: 0o700, recursive: true });
  for (const { artifact, name, type, bytes } of files) {
    const file = path.join(folder, name);
    await backup.into(type, `${artifact}.zst.age`, writeTo(file));
    await chmod(file, 0o600);
    const { size } = await stat(file);
    if (size === bytes) continue;
    throw new BackupError('verification-failed', `${name} has ${size} bytes, and the manifest says ${bytes}.`, {
      remedy: 'Restore another backup.',
    });
  }
  const lines: string[] = [];
  for await (const line of backup.lines('manifest')) lines.push(line);
  const manifest = path.join(folder, `${names.appendfilename}.manifest`);
  await writeFile(manifest, `${lines.join('\n')}\n`, { mode: 0o600 });
  return manifest;
}

function writeTo(file: string): Program {
  return { command: 'dd', args: [`of=${file}`, 'status=none', 'bs=64k'] };
}
