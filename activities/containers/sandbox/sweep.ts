/** Sandboxes that a killed process has left: most end with it, and this is for those that did not. */
import type { Work } from '../../work.ts';
import { holderOfName, isAlive } from '../../storage/holder.ts';
import { messageOf } from '../../streams/errno.ts';
import { dockerAt, refusalOf } from '../docker.ts';
import { LABEL, removeContainer } from './open.ts';

/** In another pid namespace somebody may be at work: what is older than that, in milliseconds, is dead. */
const FOREIGN = 24 * 3_600_000;

/**
 * Removes containers of dead processes of one owner (`<site>/<host>`). A Docker that does not answer keeps nobody from work:
 * what it has left is removed the next time.
 * @returns how many were removed.
 */
export async function sweepSandboxes(owner: string, socket: string, log: Work['log']): Promise<number> {
  const docker = dockerAt(socket);
  try {
    const all = await docker.listContainers({ all: true, filters: { label: [LABEL] } });
    let removed = 0;
    for (const { Id, Labels, Created } of all) {
      const label = Labels[LABEL] ?? '';
      if (!label.startsWith(`${owner}/`) || !(await isDead(label, Created * 1000))) continue;
      await removeContainer(docker.getContainer(Id), socket);
      removed += 1;
      log.warn({ container: Id }, 'removed the container of a restore test that was killed');
    }
    return removed;
  } catch (error) {
    // It is not installed here: the usual case.
    if (refusalOf(error) !== 'ENOENT')
      log.warn({ socket, why: messageOf(error) }, 'could not look for containers of killed restore tests');
    return 0;
  }
}

async function isDead(label: string, created: number): Promise<boolean> {
  const holder = holderOfName(label);
  // Not made by us: what is nobody's is not ours to remove.
  if (holder === undefined) return false;
  const alive = await isAlive(holder);
  return alive === undefined ? Date.now() - created > FOREIGN : !alive;
}
