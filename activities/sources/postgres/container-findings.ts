/** Findings about a server that runs in a container. Pure. */
import type { Finding } from '../../../model/finding.ts';
import { installRemedy } from './binaries.ts';
import type { Client } from './client-program.ts';
import type { Reached } from './reach.ts';

export interface Programs {
  /** Whether this machine has them. */
  readonly here: boolean;
  /** Those of the container. */
  readonly inside: Client | undefined;
  readonly major: number;
  readonly subject: string;
}

/** Which container it is, and what its lack of programs, or this machine's, means. */
export function containerFindings(
  { container }: Reached,
  { here, inside, major, subject }: Programs,
): readonly Finding[] {
  const { name, image } = container;
  const found: Finding[] = [
    {
      code: 'postgres.container',
      severity: 'info',
      message: `it runs in container ${name}, of image ${image.name}${inside ? `, and is read by pg_basebackup ${inside.version} inside` : ''}`,
      remedy: null,
      subject,
    },
  ];
  if (!inside) {
    found.push({
      code: 'postgres.container-programs',
      severity: 'info',
      message: `container ${name} has no pg_basebackup of version ${major}: that of this machine reads it, through a relay`,
      remedy: null,
      subject,
    });
  }
  if (!here) {
    found.push({
      code: 'postgres.programs-here',
      severity: 'warning',
      message:
        'tablespaces and the shipping of logs are written to files of this machine, which lacks the programs for that',
      remedy: installRemedy(major, 'pg_receivewal'),
      subject,
    });
  }
  return found;
}

/** Findings of a server, with what differs in a container: paths are its own. */
export function insideContainer(findings: readonly Finding[], reached: Reached | undefined): readonly Finding[] {
  if (!reached) return findings;
  const { name } = reached.container;
  return findings.map((finding) => {
    if (finding.code !== 'postgres.config-outside') return finding;
    const remedy = `Add the folder of this machine that is mounted there to the paths of a files source: docker inspect --format '{{json .Mounts}}' ${name}`;
    return { ...finding, message: `${finding.message} (inside container ${name})`, remedy };
  });
}
