/** Whether a container lasted: what failed because it did not says nothing of what was restored in it. */
import { BackupError } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';
import { runProgram } from '../../streams/run.ts';
import type { Container } from '../container.ts';
import { dockerAt, dockerError, refusalOf } from '../docker.ts';
import { inside } from '../inside.ts';

/** How often the kernel has ended a process for want of memory, in both kinds of cgroups: `oom_kill 2`. */
const KILLED = 'cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null; exit 0';

/**
 * @throws BackupError `unreachable` where it has ended, or Docker does not answer (it is tried again); `refused` where its memory was
 *   too little (raise the limit).
 */
export async function requireWhole(container: Container, held: boolean): Promise<void> {
  const { id, socket, image } = container;
  const { State, HostConfig } = await dockerAt(socket)
    .getContainer(id)
    .inspect()
    .catch((error: unknown) => {
      if (refusalOf(error) === 404) throw ended(image.name);
      throw dockerError(error, socket);
    });
  if (State.OOMKilled) throw starved(image.name, HostConfig.Memory);
  if (!State.Running || !held) throw ended(image.name);
  const { stdout } = await runProgram(inside(container, { command: 'sh', args: ['-c', KILLED] }));
  if (/^oom_kill [1-9]/m.test(stdout)) throw starved(image.name, HostConfig.Memory);
}

function ended(image: string): BackupError {
  return new BackupError('unreachable', `The container of ${image} was ended before the test was.`, {
    remedy: 'Look whether Docker was restarted (journalctl -u docker); it is tried again.',
    facts: { image },
  });
}

function starved(image: string, memory: number | undefined): BackupError {
  const limit = memory ? ` of ${formatBytes(memory)}` : '';
  return new BackupError(
    'refused',
    `The memory${limit} of the container of ${image} is too little for what was restored`,
    {
      remedy: 'Raise plans.restoreTest.sandboxMemory.',
      facts: { image, memory: memory ?? null },
    },
  );
}
