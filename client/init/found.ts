/** A database server that runs on this machine. */

export interface FoundPostgres {
  readonly type: 'postgres';
  /** Socket folder, or a host name where only TCP is known. */
  readonly host: string;
  readonly port: number;
  /** How it was found, for the comment beside it. */
  readonly by: string;
}

export interface FoundByEndpoint {
  readonly type: 'mariadb' | 'redis';
  readonly at: Endpoint;
  readonly by: string;
}

export type FoundServer = FoundPostgres | FoundByEndpoint;

/** Where a server listens: a socket, or a port of this machine. */
export type Endpoint = { readonly socket: string } | { readonly port: number };

export function describeEndpoint(at: Endpoint): string {
  return 'socket' in at ? at.socket : `127.0.0.1:${at.port}`;
}
