/** PostgreSQL's programs with a clock that a test moves while they run, by libfaketime. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface FakedClock {
  /** Folder of the programs. */
  readonly binaries: string;
  /** Moves the clock of all that runs from there: so many minutes ahead of the machine's. */
  move(minutes: number): Promise<void>;
}

/** @param folder an existing one, which others may pass. @param real folder of the programs. */
export async function withFakedClock(folder: string, real: string): Promise<FakedClock> {
  const binaries = path.join(folder, 'faked');
  const clock = path.join(folder, 'clock');
  const move = (minutes: number) => writeFile(clock, `+${minutes}m\n`, { mode: 0o644 });
  await move(0);
  await mkdir(binaries, { mode: 0o755 });
  const script = [
    '#!/bin/sh',
    // Waits go by the monotonic clock, which stays as it is.
    `export LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' FAKETIME_DONT_FAKE_MONOTONIC=1`,
    `export FAKETIME_TIMESTAMP_FILE='${clock}' FAKETIME_NO_CACHE=1`,
    `exec '${real}/postgres' "$@"`,
  ];
  await writeFile(path.join(binaries, 'postgres'), `${script.join('\n')}\n`);
  await chmod(path.join(binaries, 'postgres'), 0o755);
  return { binaries, move };
}
