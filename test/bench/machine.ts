/** What must be known of a machine to read its figures. */
import { cpus, loadavg, release, totalmem } from 'node:os';
import { programVersion } from '../../activities/streams/versions.ts';
import { formatBytes } from '../../model/units.ts';
import { shell } from './shell.ts';

/** Lines for people. */
export async function describeMachine(folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const [processor] = cpus();
  const { stdout: fileSystem } = await shell('df --output=fstype,source "$FOLDER" | tail -1', {
    env: { FOLDER: folder },
    signal,
  });
  const { stdout: peers } = await shell('restic version | cut -d" " -f1,2; borg --version; pgbackrest version', {
    env: {},
    signal,
  });
  const programs = ['tar', 'zstd', 'age'] as const;
  const versions = await Promise.all(programs.map(async (name) => `${name} ${await programVersion(name)}`));
  const [load = 0] = loadavg();
  return [
    `${cpus().length} × ${processor?.model ?? 'unknown processor'}, ${formatBytes(totalmem())} of memory, Linux ${release()}, ${fileSystem.trim().replaceAll(/\s+/g, ' ')}`,
    `node ${process.versions.node}, ${[...versions, ...peers.trim().split('\n')].join(', ')}`,
    `load at the beginning: ${load.toFixed(2)}${load > 0.5 ? ' — others are at work on this machine, so these figures are rough' : ''}`,
  ];
}
