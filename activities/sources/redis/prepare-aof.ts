/**
 * Append-only files made of an RDB. A server with "appendonly yes" ignores a lone dump and starts empty, and its next
 * write would begin a history without all that was restored. So where the source had AOF on, what is restored gets files of it:
 * by a private start without AOF, which loads the dump, and turning it on there, which writes everything out.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import type { Work } from '../../work.ts';
import { command } from './client.ts';
import { compareDatabases, compareFunctions, type Expected } from './compare.ts';
import type { Position } from './position.ts';
import type { Programs } from './programs.ts';
import { startServer } from './server.ts';
import { requireSound } from './sound.ts';
import { untilServer } from './waiting.ts';

export interface Preparation {
  readonly data: string;
  readonly names: Position['names'];
  readonly programs: Programs;
  readonly expected: Expected;
  /** An existing folder for socket and log, outside of the data. */
  readonly runtime: string;
  readonly work: Work;
}

/** @throws BackupError `verification-failed` when what loads is not what was backed up. */
export async function prepareAof({ data, names, programs, expected, runtime, work }: Preparation): Promise<void> {
  const { dbfilename, appenddirname, appendfilename } = names;
  const settings = { appendonly: 'no', dbfilename, appenddirname, appendfilename };
  const server = await startServer({
    data,
    program: programs.server,
    sandbox: programs.sandbox,
    runtime,
    settings,
    offline: true,
    work,
  });
  try {
    for (const compared of [compareDatabases(expected, server.loaded), compareFunctions(expected, server.loaded)])
      requireEqual(compared);
    const asking = { connection: server.connection, signal: work.signal };
    await command(asking, ['CONFIG', 'SET', 'appendonly', 'yes']);
    const { persistence } = await untilServer(
      { asking, work, phase: 'writing the append-only file' },
      ({ persistence: { rewriting, rewrites, aofRewriteOk } }) => !rewriting && (rewrites > 0 || !aofRewriteOk),
    );
    if (!persistence.aof || !persistence.aofRewriteOk) throw notWritten(server.log);
  } finally {
    await server.stop();
  }
  const manifest = path.join(data, appenddirname, `${appendfilename}.manifest`);
  await stat(manifest);
  await requireSound(programs.checkAof, manifest, work);
}

function requireEqual({ compared, ok, detail }: Check): void {
  if (ok || !compared) return;
  throw new BackupError('verification-failed', `What was restored is not what was backed up: ${detail}`, {
    remedy: 'Restore another backup, or this one from another copy.',
  });
}

function notWritten(log: string): BackupError {
  return new BackupError('failed', 'The private server could not write the append-only file of what was restored.', {
    remedy: 'Look whether the disk is full; try again.',
    facts: { log },
  });
}
