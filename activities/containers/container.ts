/** Containers: which one a config means, and whether it runs. */
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { ContainerChoice } from '../../model/config/container.ts';
import { dockerAt, dockerError, refusalOf } from './docker.ts';

/** A container that runs. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly image: {
    /** As whoever started it called it: `postgres:16-alpine`. */
    readonly name: string;
    /** Digest in the registry where it came from one, else the image's own: `sha256:…`. */
    readonly digest: string;
  };
  /** The user that programs run as inside; undefined: what the image says. */
  readonly user: string | undefined;
  /** That user, or the image's; `root` where it names none. */
  readonly runsAs: string;
  readonly socket: string;
}

const inspected = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  Config: z.looseObject({ Image: z.string(), User: z.string().default('') }),
  State: z.looseObject({ Status: z.string(), Running: z.boolean(), Paused: z.boolean() }),
});

const image = z.looseObject({ RepoDigests: z.array(z.string()).nullish() });

/**
 * The running container that is meant.
 * @throws BackupError `not-found` where there is none (yet), `ambiguous`, `unreachable` where it does not run or
 *   Docker does not answer, `access-denied` where Docker's socket is not open to this process.
 */
export async function findContainer(choice: ContainerChoice): Promise<Container> {
  const { by, user, socket } = choice;
  try {
    const docker = dockerAt(socket);
    const key = 'name' in by ? by.name : await withLabel(choice, by.label);
    const found = inspected.parse(await docker.getContainer(key).inspect());
    const name = found.Name.replace(/^\//, '');
    if (!found.State.Running || found.State.Paused) throw notRunning(name, found.State.Status);
    const { RepoDigests } = image.parse(await docker.getImage(found.Image).inspect());
    const digest = RepoDigests?.[0]?.split('@')[1] ?? found.Image;
    const runsAs = user ?? (found.Config.User.split(':')[0] || 'root');
    return { id: found.Id, name, image: { name: found.Config.Image, digest }, user, runsAs, socket };
  } catch (error) {
    if (refusalOf(error) === 404) throw missing(choice);
    throw dockerError(error, socket);
  }
}

async function withLabel({ socket, by }: ContainerChoice, label: string): Promise<string> {
  const all = await dockerAt(socket).listContainers({ all: true, filters: { label: [label] } });
  const running = all.filter(({ State }) => State === 'running');
  const [only, ...more] = running.length > 0 ? running : all;
  if (!only) throw missing({ by });
  if (more.length === 0) return only.Id;
  const names = [only, ...more].map(({ Names, Id }) => Names[0]?.replace(/^\//, '') ?? Id);
  throw new BackupError('ambiguous', `${names.length} containers have the label ${label}: ${names.join(', ')}`, {
    remedy: 'Name one of them (container: NAME), or choose a label that only one has.',
    facts: { label, containers: names },
  });
}

function missing({ by }: Pick<ContainerChoice, 'by'>): BackupError {
  const what = 'name' in by ? `There is no container ${by.name}` : `No container has the label ${by.label}`;
  return new BackupError('not-found', what, {
    remedy:
      'Start it (docker compose up -d), or correct connection.container: "docker ps --all" lists those that there are.',
    // While a stack is being updated its containers are gone for a moment.
    retryable: true,
  });
}

function notRunning(name: string, status: string): BackupError {
  const verb = status === 'paused' ? 'unpause' : 'start';
  return new BackupError('unreachable', `The container ${name} does not run: it is ${status}`, {
    remedy: `docker ${verb} ${name}; where it does not stay up: docker logs --tail 50 ${name}`,
    facts: { container: name, status },
  });
}
