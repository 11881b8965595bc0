/**
 * The way to a server inside a container, open for as long as it is used. Queries and the programs of this machine go
 * through a door (a socket here that leads inside); what only streams runs inside, by `docker exec`.
 */
import { createHash } from 'node:crypto';
import { containerChoice } from '../../../model/config/container.ts';
import type { PostgresSource } from '../../../model/config/source.ts';
import { findContainer, type Container } from '../../containers/container.ts';
import { openDoor } from '../../containers/door.ts';
import { relayTo, type Target } from '../../containers/relay.ts';
import type { Work } from '../../work.ts';
import type { SourceContext } from '../types.ts';

/** How a server in a container is reached. */
export interface Reached {
  readonly container: Container;
  /** The folder or address inside. */
  readonly host: string;
  /** Marks programs inside as this source's. */
  readonly owner: string;
}

/** A source whose `connection.host` leads there from this machine. */
export interface ReachableSource extends PostgresSource {
  readonly reached?: Reached | undefined;
}

interface Around extends Pick<SourceContext<PostgresSource>, 'config' | 'source' | 'state'> {
  readonly work: Pick<Work, 'signal'>;
}

/** Opens the way where one is needed, and closes it whatever happens. */
export async function withReach<Result>(
  { config, source, state, work }: Around,
  use: (config: ReachableSource) => Promise<Result>,
): Promise<Result> {
  const { connection } = config;
  if (connection.container === undefined) return use(config);
  const container = await findContainer(containerChoice(connection.container));
  const target: Target = connection.host.startsWith('/')
    ? { kind: 'socket', path: `${connection.host}/.s.PGSQL.${connection.port}` }
    : { kind: 'tcp', host: '127.0.0.1', port: connection.port };
  const relay = await relayTo(container, target, work.signal);
  const door = await openDoor(relay, `.s.PGSQL.${connection.port}`);
  const reached = { container, host: connection.host, owner: ownerOf(source, state) };
  try {
    return await use({ ...config, connection: { ...connection, host: door.folder }, reached });
  } finally {
    await door.close();
  }
}

/** The connection as the config has it. */
export function configured({ connection, reached }: ReachableSource): PostgresSource['connection'] {
  return reached ? { ...connection, host: reached.host } : connection;
}

/** The same for all attempts of one source of one installation: each ends what the one before has left. */
function ownerOf(source: string, state: string): string {
  return `${source}-${createHash('sha256').update(state).digest('hex').slice(0, 12)}`;
}
