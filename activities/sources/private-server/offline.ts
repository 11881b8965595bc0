/**
 * A private server that is cut off from every network: whatever is in what was restored (events, triggers, replication, mail)
 * reaches nothing. Its socket is a file, and works all the same.
 */
import { BackupError } from '../../../model/errors.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';
import { becoming, type ServerUser } from './user.ts';

/**
 * How this machine lets a server be cut off. `network`: by a namespace of networks, which takes CAP_SYS_ADMIN. `user`: by one of
 * users around it, which the server's user makes for himself, as under the units for systemd. Inside, every other user is
 * `nobody`: who connects to a socket there cannot be told by his user. `none`, and what each way said.
 */
export type OfflineWay = { readonly way: Way } | { readonly way: 'none'; readonly why: string };

type Way = 'network' | 'user';

/** The first way that works here, tried for the server's user (undefined: this process stays itself). */
export async function offlineWay(user: ServerUser | undefined): Promise<OfflineWay> {
  // Only root may have a namespace of networks without one of users.
  const ways: readonly Way[] = process.getuid?.() === 0 ? ['network', 'user'] : ['user'];
  const refusals: string[] = [];
  for (const way of ways) {
    const why = await refusalOf(way, user);
    if (why === undefined) return { way };
    refusals.push(why);
  }
  return { way: 'none', why: [...new Set(refusals)].join('; ') };
}

/** Why this machine does not allow a way; undefined where it does. */
export async function refusalOf(way: Way, user: ServerUser | undefined): Promise<string | undefined> {
  try {
    const [command, ...args] = wordsOf(way, user);
    await runProgram({ command, args: [...args, 'true'] });
    return undefined;
  } catch (error) {
    if (error instanceof BackupError) return error.message;
    throw error;
  }
}

export interface OfflinePrefix {
  /** What stands before a command so that it runs without a network; empty where this machine does not allow it. */
  readonly words: readonly string[];
  /** The command is run as the server's user already, and cannot become him again. */
  readonly isUser: boolean;
}

export async function offlinePrefix(user: ServerUser | undefined): Promise<OfflinePrefix> {
  const { way } = await offlineWay(user);
  return way === 'none' ? { words: [], isUser: false } : { words: wordsOf(way, user), isUser: way === 'user' };
}

function wordsOf(way: Way, user: ServerUser | undefined): readonly [string, ...string[]] {
  if (way === 'network') return [locate('unshare'), '--net', '--'];
  // The user first: inside of a namespace of users that root makes there is no other, so that nobody else could be become.
  const before = user ? [locate('setpriv'), ...becoming(user), '--'] : [];
  const [command, ...args] = [...before, locate('unshare'), '--user', '--map-current-user', '--net', '--'];
  return [command, ...args];
}
