/** The dead man's switch: somebody elsewhere is told that all is well, and tells when that stays away. */
import type { Site } from '../../activities/site.ts';
import { productVersion } from '../../activities/version.ts';
import { BackupError } from '../../model/errors.ts';

/** @throws BackupError `unreachable`, without the address: it may hold a secret. */
export async function ping({ config, readSecret }: Site, signal: AbortSignal): Promise<'sent' | 'none'> {
  const { ping: address, patience } = config.watchdog;
  if (address === undefined) return 'none';
  const url = typeof address === 'string' ? address : await readSecret(address);
  const late = AbortSignal.timeout(patience);
  let status: number;
  try {
    const headers = { 'user-agent': `mosaic-backup/${productVersion}` };
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, late]), redirect: 'error' });
    await response.body?.cancel();
    status = response.status;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : '';
    throw notReached(late.aborted ? ` within ${patience / 1000} s` : code);
  }
  if (status >= 300) throw notReached(`: it answered with status ${status}`);
  return 'sent';
}

function notReached(why: string): BackupError {
  return new BackupError('unreachable', `The address of watchdog.ping was not reached${why}.`, {
    remedy: 'Look at watchdog.ping in the config and at the service behind it: it will tell that the pings stay away.',
  });
}
