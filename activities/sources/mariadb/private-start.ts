/** Private starts on restored data, by which nothing of production is reached or decides. */
import type { Manifest } from '../../../model/manifest.ts';
import type { Work } from '../../work.ts';
import { engine, machine, neededArguments } from './engine.ts';
import { compareVersions, seriesOf } from './facts.ts';
import { installedRelease } from './programs.ts';
import { startServer, WITHOUT_ACCOUNTS, type PrivateServer } from './server.ts';

/** Why no server can be started on it here. */
export async function hindranceOf(manifest: Manifest): Promise<string | undefined> {
  const here = await installedRelease('mariadbd');
  const { version, arch, encrypted } = engine.parse(manifest.engine);
  const isDump = manifest.position?.['method'] === 'logical';
  if (here === undefined) {
    return `the server's programs are not on this machine. Install them: apt-get install mariadb-server-core`;
  }
  const fits = seriesOf(here) === seriesOf(version) || (isDump && compareVersions(here, version) > 0);
  if (!fits) return `the data are of MariaDB ${seriesOf(version)}, and the server here is ${here}`;
  if (isDump) return undefined;
  if (arch !== machine()) return `the data are ${arch}'s, and this machine is ${machine()}`;
  return encrypted ? 'the data are encrypted by a plugin, whose keys are not in the backup' : undefined;
}

export interface IsolatedStart {
  readonly data: string;
  /** An empty folder for log and socket that the server's user can reach. */
  readonly runtime: string;
  /** Of the newest backup in it. */
  readonly manifest: Manifest;
  readonly work: Work;
}

/** Starts a server on restored data and waits until it answers. @throws BackupError as `startServer`. */
export function startIsolated({ data, runtime, manifest, work }: IsolatedStart): Promise<PrivateServer> {
  const args = [...neededArguments(manifest.engine), WITHOUT_ACCOUNTS];
  return startServer({ data, runtime, args, signal: work.signal, offline: true, work });
}
