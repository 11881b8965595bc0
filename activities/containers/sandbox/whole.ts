/** Whether a container lasted: what failed because it did not says nothing of what was restored in it. */
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';
import { runProgram } from '../../streams/run.ts';
import type { Container } from '../container.ts';
import { dockerAt, dockerError, refusalOf } from '../docker.ts';
import { inside } from '../inside.ts';

/** How often the kernel has ended a process for want of memory, in both kinds of cgroups: `oom_kill 2`. */
const KILLED = 'cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null; exit 0';

const inspected = z.looseObject({
  State: z.looseObject({ Running: z.boolean(), OOMKilled: z.boolean().default(false) }),
  HostConfig: z.looseObject({ Memory: z.number() }),
});

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
  const answer: unknown = await dockerAt(socket)
    .getContainer(id)
    .inspect()
    .catch((error: unknown) => {
      if (refusalOf(error) === 404) throw ended(image.name);
      throw dockerError(error, socket);
    });
  const { State, HostConfig } = inspected.parse(answer);
  if (State.OOMKilled) throw starved(image.name, HostConfig.Memory);
  if (!State.Running || !held) throw ended(image.name);
  if (await isStarved(container)) throw starved(image.name, HostConfig.Memory);
  if (OF_DOCKER.test(said)) throw ended(image.name);
}

/** What the kernel counts in the container; where not even that can be looked at, what Docker was told of it. */
async function isStarved(container: Container): Promise<boolean> {
  try {
    const { stdout } = await runProgram(inside(container, { command: 'sh', args: ['-c', KILLED] }));
    return /^oom_kill [1-9]/m.test(stdout);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    if (await wasTold(container)) return true;
    // What failed before may have failed for the same reason, whatever it is.
    throw ended(container.image.name, error);
  }
}

async function wasTold({ id, socket }: Container): Promise<boolean> {
  const now = Math.ceil(Date.now() / 1000);
  const filters = JSON.stringify({ container: [id], event: ['oom'] });
  const events = await dockerAt(socket).getEvents({ since: 0, until: now, filters });
  return (await text(events)).trim() !== '';
}

function ended(image: string, cause?: unknown): BackupError {
  return new BackupError('unreachable', `The container of ${image} did not last as long as the test.`, {
    remedy: 'Look whether Docker was restarted (journalctl -u docker); it is tried again.',
    facts: { image },
    cause,
  });
}

function starved(image: string, memory: number): BackupError {
  return new BackupError(
    'refused',
    `The memory of the container of ${image}, ${formatBytes(memory)}, is too little for what was restored`,
    {
      remedy: 'Raise plans.restoreTest.sandboxMemory.',
      facts: { image, memory },
    },
  );
}
