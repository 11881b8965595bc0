/** What was restored, as the server that is to load it is configured now. */
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { RedisSource } from '../../../../model/config/source.ts';
import type { BackupReader, InPlaceContext, InPlaceFacts } from '../../types.ts';
import { giveTo } from '../../private-server/user.ts';
import { appendFolder, isBeside } from '../append-folder.ts';
import { expectedOf } from '../compare.ts';
import { readInventory } from '../inventory.ts';
import { positionOf, type Position } from '../position.ts';
import { prepareAof } from '../prepare-aof.ts';
import { engineOf, requirePrograms } from '../programs.ts';
import { redisUser } from '../server-user.ts';
import { facts } from './facts.ts';

/** A server with append-only files ignores a dump, and one without them ignores those: what it loads must be there. */
export async function prepare(
  { manifest, work }: InPlaceContext<RedisSource>,
  { folder, backup }: { readonly folder: string; readonly backup: BackupReader },
  found: InPlaceFacts,
): Promise<InPlaceFacts> {
  const { appendonly } = facts.parse(found);
  const { names, appendonly: had } = positionOf(manifest);
  const expected = expectedOf(await readInventory(backup));
  if (appendonly && !had) {
    const programs = await requirePrograms(engineOf(manifest));
    await prepareAof({ data: folder, names, programs, expected, work });
    await giveTo(await redisUser(), folder, work.signal);
  }
  if (had && !appendonly) await dropAof(folder, names);
  const loaded = appendonly ? path.join(names.appenddirname, `${names.appendfilename}.manifest`) : names.dbfilename;
  await stat(path.join(folder, loaded));
  const filled = expected.databases.filter(({ keys, expires }) => keys > expires).map(({ index }) => index);
  return { ...found, filled };
}

/** Once the server is started with append-only files, it would load these in place of all that it has written since. */
async function dropAof(data: string, names: Position['names']): Promise<void> {
  const folder = appendFolder(data, names);
  if (!isBeside(names)) return rm(folder, { recursive: true, force: true });
  // Beside the dump it finds none without their manifest.
  await rm(path.join(data, `${names.appendfilename}.manifest`), { force: true });
}
