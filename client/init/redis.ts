/** Redis and Valkey servers that run on this machine. */
import { findByEndpoint } from './by-endpoint.ts';
import type { Endpoint, FoundByEndpoint } from './found.ts';

export function findRedis(only?: (at: Endpoint) => boolean): Promise<readonly FoundByEndpoint[]> {
  return findByEndpoint(
    {
      type: 'redis',
      programs: ['redis-server', 'valkey-server'],
      usual: (at) => ('socket' in at ? /(?:redis|valkey)[^/]*\.sock$/.test(at.socket) : at.port === 6379),
      say: 'PING\r\n',
      // A pong, or that one must log in first, or that the server is loading: all of it is its language.
      knows: (said) => /^(?:\+PONG|-(?:NOAUTH|DENIED|NOPERM|LOADING|MASTERDOWN|ERR))\b/.test(said),
    },
    only,
  );
}
