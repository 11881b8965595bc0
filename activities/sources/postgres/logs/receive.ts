/** pg_receivewal in one bounded step: it receives up to a given end, and leaves. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { runPipeline } from '../../../streams/pipeline.ts';
import type { Program } from '../../../streams/types.ts';
import type { Work } from '../../../work.ts';
import type { Binaries } from '../binaries.ts';
import { libpqEnvironment, type Connection } from '../connection.ts';

export interface Receive {
  readonly binaries: Binaries;
  readonly connection: Connection;
  /** Absent where something else keeps the WAL on the server. */
  readonly slot?: string;
  /** pg_receivewal goes on behind the last segment in it, or at the slot's own position. */
  readonly folder: string;
  /** It ends once it has got beyond this LSN. */
  readonly end: string;
  readonly work: Work;
}

/** @throws BackupError of the pipeline: what was received until then stays in the folder. */
export async function receive(options: Receive): Promise<void> {
  const { folder, work } = options;
  let bytes = 0;
  const timer = setInterval(() => {
    bytesIn(folder).then(
      (found) => (bytes = found),
      // It is only for the progress; what is wrong with the folder is the program's to say.
      () => undefined,
    );
  }, 1_000);
  try {
    const phase = 'receiving WAL';
    await runPipeline({ programs: [receiver(options)], bytes: () => bytes, phase, total: null, work });
  } finally {
    clearInterval(timer);
  }
}

function receiver({ binaries, connection, slot, folder, end }: Receive): Program {
  return {
    command: path.join(binaries.folder, 'pg_receivewal'),
    args: [
      `--directory=${folder}`,
      ...(slot === undefined ? [] : [`--slot=${slot}`]),
      `--endpos=${end}`,
      '--no-loop',
      // On an idle server it would wait 20 s for news, and short receives would never move the slot.
      '--status-interval=1',
      '--no-password',
      '--verbose',
    ],
    env: libpqEnvironment(connection, 'mosaic-backup logs'),
    cwd: '/',
  };
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
