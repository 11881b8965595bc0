/**
 * A private server that is cut off from every network: whatever is in what was restored (events, triggers, replication, mail)
 * reaches nothing. Its socket is a file, and works all the same.
 */
import { BackupError } from '../../../model/errors.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';

/** What stands before a command so that it runs without a network; empty where this machine does not allow it. */
export async function offlinePrefix(): Promise<readonly string[]> {
  // Only root may have a namespace of its own without one of users.
  const own = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user'];
  const args = [...own, '--net', '--'];
  try {
    await runProgram({ command: 'unshare', args: [...args, 'true'] });
    return [locate('unshare'), ...args];
  } catch (error) {
    if (error instanceof BackupError) return [];
    throw error;
  }
}
