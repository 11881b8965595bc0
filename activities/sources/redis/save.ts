/**
 * BGSAVE, and the file that it makes. The traps:
 * - a save that runs already lacks what was written since it began: it is waited for, and another one made;
 * - while the append-only file is rewritten, BGSAVE is refused: that is waited for as well;
 * - a save that will fail is answered by "Background saving started" all the same: its status tells;
 * - LASTSAVE counts seconds, and two saves may fall into one: rdb_saves counts saves. It counts them as they begin, so
 *   that it went up tells nothing of how they ended;
 * - each save renames a new file into place: it is opened once, and what was opened is read.
 */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { isErrno } from '../../streams/errno.ts';
import { command, type Asking } from './client.ts';
import { openHeld, readHeld } from './descriptor.ts';
import { requireFolder } from './folder.ts';
import { windowSinceSave } from './inventory.ts';
import { rfc3339 } from './position.ts';
import { type Info, leastRdbBytes, type Taken, type Taking } from './taken.ts';
import { untilServer } from './waiting.ts';

/** Milliseconds in which others may come first each time, and between two tries. */
const PATIENCE = 600_000;
const PAUSE = 50;

export async function takeSave({ context, asking, facts, names }: Taking): Promise<Taken> {
  const file = path.join(requireFolder(context.config, facts.settings), names.dbfilename);
  const earlier = await identityAt(file);
  const { before, after } = await save(asking, context.work);
  const held = await openHeld(file).catch((error: unknown) => {
    throw isErrno(error, 'ENOENT') ? foreign(file) : error;
  });
  try {
    // A folder that is not this server's, or another name, would give an older file, or another server's.
    const found = await held.stat({ bigint: true });
    if (identityOf(found) === earlier) throw foreign(file);
    const size = Number(found.size);
    const least = leastRdbBytes(after);
    if (size < least) {
      throw new BackupError('implausible-size', `${file} has ${size} bytes, too few for what the server holds.`, {
        remedy: 'Look at the server: its keys went while it saved, or this is not its file.',
        facts: { file, size, least },
      });
    }
    await context.artifacts.stream(readHeld(held, size), { role: 'base', name: 'dump.rdb', minPlainBytes: size });
    return {
      counted: after,
      window: windowSinceSave(before, after),
      position: {
        why: "the server's own save, read from its data folder: no replication is needed, and no copy crosses the network",
        times: { from: rfc3339(before.time), to: rfc3339(after.time), every: false },
        rdbBytes: size,
      },
    };
  } finally {
    await held.close();
  }
}

/**
 * A save that began after this was called, and succeeded.
 * @returns looks at the server from before it began, and after it ended.
 */
async function save(asking: Asking, work: Work): Promise<{ readonly before: Info; readonly after: Info }> {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await wait(PAUSE)) {
    const before = await untilServer(
      { asking, work, phase: 'waiting for a save that runs already' },
      ({ persistence: { saving, rewriting } }) => !saving && !rewriting,
    );
    if (!(await begin(asking))) continue;
    const after = await untilServer(
      { asking, work, phase: 'the server saves' },
      ({ runId, persistence: { saving } }) => runId !== before.runId || !saving,
    );
    if (after.runId !== before.runId) throw failed('it was started anew meanwhile');
    // Whichever save was the last: all that can have succeeded since began after this was called.
    if (!after.persistence.saveOk) throw failed('its rdb_last_bgsave_status is "err"');
    if (after.persistence.saves <= before.persistence.saves) throw failed('none was begun');
    return { before, after };
  }
  throw new BackupError('busy', 'The server refused each save, since another child of it was at work.', {
    remedy: 'Look what has it fork that often (INFO persistence); it is tried again.',
  });
}

/** False when another save or a rewrite came first. */
async function begin(asking: Asking): Promise<boolean> {
  try {
    await command(asking, ['BGSAVE']);
    return true;
  } catch (error) {
    if (
      error instanceof BackupError &&
      /already in progress|can't BGSAVE right now/.test(String(error.facts['answer']))
    )
      return false;
    throw error;
  }
}

function failed(why: string): BackupError {
  return new BackupError('failed', `The server did not save: ${why}. Nothing was backed up.`, {
    remedy: 'Look at the server log for the reason: a full disk, a folder that it may not write, no memory for fork.',
  });
}

function foreign(file: string): BackupError {
  return new BackupError('config', `${file} is not what the server saved just now.`, {
    remedy:
      'Set "folder" to the data folder of this server (redis-cli CONFIG GET dir) and "names" to its names (CONFIG GET dbfilename).',
    facts: { file },
  });
}

/** Changes with every save. */
function identityOf({ ino, dev, mtimeNs, size }: BigIntStats): string {
  return [dev, ino, mtimeNs, size].join(' ');
}

async function identityAt(file: string): Promise<string | undefined> {
  try {
    return identityOf(await stat(file, { bigint: true }));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
