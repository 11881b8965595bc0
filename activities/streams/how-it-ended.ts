/** How a program of the site's own failed: neither its arguments nor what it printed, either of which may hold a secret. */
import type { BackupError } from '../../model/errors.ts';

/** To follow its name: `ended with 3`. */
export function howItEnded({ code, facts }: BackupError): string {
  if (code === 'missing-program') return 'was not found';
  const status = facts['code'];
  return typeof status === 'number' ? `ended with ${status}` : 'did not end by itself in time';
}
