/** The image of a backup, as this machine has it. Nothing is ever pulled: a test must reach no registry. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { dockerAt, dockerError } from '../docker.ts';

export interface LocalImage {
  /** Its own id, which no tag can lead astray: `sha256:…`. */
  readonly id: string;
  /** As the manifest calls it: `postgres:16-alpine@sha256:…`. */
  readonly name: string;
  /** Folders that would be on the disk of Docker. */
  readonly volumes: readonly string[];
}

/**
 * The image with the digest that a manifest names. A tag says nothing: it may be another image's by now.
 * @throws BackupError `missing-program` where the image is not here, or no Docker Engine is, with what to do.
 */
export async function findImage(name: string, socket: string): Promise<LocalImage> {
  const docker = dockerAt(socket);
  const digest = name.slice(name.lastIndexOf('@') + 1);
  try {
    const images = await docker.listImages({ digests: true });
    const found = images.find(
      // Of what came from a registry the digest there is known, of what was made here only its own id.
      ({ Id, RepoDigests }) => Id === digest || (RepoDigests ?? []).some((each) => each.endsWith(`@${digest}`)),
    );
    if (!found) throw lacking(`the image ${name} is not on this machine`, remedyFor(name), name);
    const { Config } = inspected.parse(await docker.getImage(found.Id).inspect());
    return { id: found.Id, name, volumes: Object.keys(Config?.Volumes ?? {}) };
  } catch (error) {
    if (error instanceof BackupError) throw error;
    const { message, remedy = '' } = dockerError(error, socket);
    throw lacking(`the image ${name} cannot be looked for: ${message}`, remedy, name);
  }
}

const inspected = z.looseObject({
  Config: z.looseObject({ Volumes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

function remedyFor(name: string): string {
  return `docker pull ${name} (what no registry has: docker save on the host where it runs, docker load here).`;
}

function lacking(what: string, remedy: string, image: string): BackupError {
  return new BackupError('missing-program', `no container stands for its server: ${what}`, {
    remedy,
    facts: { image },
  });
}
