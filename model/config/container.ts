/** How a config names a container in which a server runs. */
import { z } from 'zod';
import { absolutePath } from './fields.ts';

/** Where Docker listens unless the config says otherwise. */
export const DOCKER_SOCKET = '/var/run/docker.sock';

const chosen = z
  .strictObject({
    name: z.string().min(1).optional().describe('its name'),
    label: z
      .string()
      .min(1)
      .optional()
      .describe('a label that only it has among those that run: com.docker.compose.service=postgres'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('the user inside that programs run as, for peer authentication; absent: what the image says'),
    socket: absolutePath.default(DOCKER_SOCKET).describe("Docker's socket"),
  })
  .refine(
    ({ name, label }) => (name === undefined) !== (label === undefined),
    'a container is named either by its name or by a label\nWrite one of them: { name: mosaic-postgres } or { label: com.docker.compose.service=postgres }.',
  );

export const containerConfig = z.union(
  [z.string().min(1, 'an empty name\nWrite the name of the container, as in container: mosaic-postgres.'), chosen],
  'no container is named\nWrite its name, as in container: mosaic-postgres, or { label: com.docker.compose.service=postgres }.',
);
export type ContainerConfig = z.output<typeof containerConfig>;

/** Which container, and by whose socket. */
export interface ContainerChoice {
  readonly by: { readonly name: string } | { readonly label: string };
  readonly user: string | undefined;
  readonly socket: string;
}

/** What a config says, with its short form spelled out. */
export function containerChoice(config: ContainerConfig): ContainerChoice {
  if (typeof config === 'string') return { by: { name: config }, user: undefined, socket: DOCKER_SOCKET };
  const { name, label = '', user, socket } = config;
  return { by: name === undefined ? { label } : { name }, user, socket };
}
