/** Restores of Redis and Valkey in place. */
import type { RedisSource } from '../../../../model/config/source.ts';
import type { InPlaceAdapter } from '../../types.ts';
import { check } from './check.ts';
import { examine } from './examine.ts';
import { prepare } from './prepare.ts';
import { PROCESSES } from './processes.ts';

export const inPlace: InPlaceAdapter<RedisSource> = {
  processes: PROCESSES,
  examine,
  prepare,
  checksAfterReplay: ['files', 'start'],
  checksOnlyTold: [],
  // Users, keys of TLS, and the cluster's nodes, where they lie among the data.
  keeps: (name, isFolder) => !isFolder && /\.(?:conf|acl|crt|key|pem)$/.test(name),
  check,
  // There are no logs whose history would end.
  begin: async () => undefined,
};
