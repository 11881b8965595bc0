/** The server that a restore goes into where `--into` names none: the source's own, and no other that has its address on another host. */
import { isIP } from 'node:net';
import { hostOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import { namesServer, type IntoInput } from '../../model/into-run.ts';
import type { Site } from '../site.ts';

/**
 * A socket, a container or a loopback address of the source's host is on any other host that of another server, or of none.
 * @throws BackupError `usage`.
 */
export function requireOwnServer(
  { config, host }: Pick<Site, 'config' | 'host'>,
  source: string,
  into: IntoInput['into'],
): void {
  const own = config.sources[source];
  if (own === undefined || !('connection' in own) || namesServer(into)) return;
  const of = hostOf(config, source);
  if (of === host) return;
  const { container, socket, host: address = '' } = { container: undefined, socket: undefined, ...own.connection };
  const where = container === undefined ? (socket ?? address) : 'in a container';
  if (container === undefined && socket === undefined && !isOfHost(address)) return;
  throw new BackupError(
    'usage',
    `The server of "${source}" is one of the host ${of} (${where}), and on ${host} that is another one, or none. Nothing was changed.`,
    {
      remedy: `Name it in --into as ${host} reaches it ("host=… port=…"), or let ${of} do it: there, or with --on ${of}.`,
    },
  );
}

function isOfHost(address: string): boolean {
  if (address.startsWith('/') || address === 'localhost' || address === '::1' || address === '') return true;
  return isIP(address) === 4 && address.startsWith('127.');
}
