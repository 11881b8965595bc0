/** Whether a container lasted: what failed because it did not says nothing of what was restored in it. */
import { BackupError } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';
import { runProgram } from '../../streams/run.ts';
import type { Container } from '../container.ts';
import { dockerAt, dockerError, refusalOf } from '../docker.ts';
import { inside } from '../inside.ts';

/** How often the kernel has ended a process for want of memory, in both kinds of cgroups: `oom_kill 2`. */
const KILLED = 'cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null; exit 0';

/** What the program `docker` says where it, and not what it was to run, has failed. */
const OF_DOCKER = /Error response from daemon|OCI runtime|Cannot connect to the Docker daemon|error during connect/;

export interface Failing {
  /** Whether its input was held all the time. */
  readonly held: boolean;
  /** What the failure said. */
  readonly said: string;
}

/**
 * @throws BackupError `unreachable` where it has ended, or Docker does not answer (it is tried again); `refused` where its memory was
 *   too little (raise the limit).
 */
export async function requireWhole(container: Container, { held, said }: Failing): Promise<void> {
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
  if (/^oom_kill [1-9]/m.test(await counted(container))) throw starved(image.name, HostConfig.Memory);
  if (OF_DOCKER.test(said)) throw ended(image.name);
}

async function counted(container: Container): Promise<string> {
  try {
    return (await runProgram(inside(container, { command: 'sh', args: ['-c', KILLED] }))).stdout;
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    // Not even this runs there, so what failed before may have failed for the same reason.
    throw ended(container.image.name, error);
  }
}

function ended(image: string, cause?: unknown): BackupError {
  return new BackupError('unreachable', `The container of ${image} did not last as long as the test.`, {
    remedy: 'Look whether Docker was restarted (journalctl -u docker); it is tried again.',
    facts: { image },
    cause,
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
