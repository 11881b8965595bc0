/** The destination type `glacier`: a vault of Amazon Glacier, and another destination that keeps what must be readable at once. */
import path from 'node:path';
import type { GlacierDestination } from '../../../model/config/destinations/glacier.ts';
import type { Destination, DestinationContext, Pruner, Weakness } from '../types.ts';
import { uploadsIn } from '../upload/uploads.ts';
import { inventoryOf } from './inventory.ts';
import { vaultPruner } from './prune.ts';
import { putArchive } from './put.ts';
import { digestArchive, openArchive, thawingOf } from './read.ts';
import { recordsAt } from './records.ts';
import { retrievalsOf } from './retrievals.ts';
import { unrecordedIn } from './unrecorded.ts';
import { openVault, type Vault } from './vault.ts';

export function glacierDestination(context: DestinationContext<GlacierDestination>): Destination {
  const { name, config, site, state, readSecret } = context;
  const vault = openVault({ destination: name, site, config, credentials: config.credentials, readSecret });
  const other = context.openOther(config.manifests);
  const records = recordsAt(other, name, config.vault);
  const retrievals = retrievalsOf(vault, path.join(state, 'retrievals', name));
  const uploads = uploadsIn(path.join(state, 'uploads', name), config.vault);
  const unrecorded = unrecordedIn(path.join(state, 'unrecorded', name), config.vault);
  const reading = { vault, records, retrievals };

  return {
    name,
    type: config.type,
    // The keys lie at the other one: where that is lost, nothing in the vault can be opened.
    offsite: (config.offsite ?? true) && other.offsite,

    list: (prefix, options = {}) => records.list(prefix, options),
    async readSmall(key) {
      return records.at.readSmall(records.keyAt(key));
    },
    async open(key) {
      return openArchive(reading, key);
    },
    thawing: thawingOf(reading),
    inventory: inventoryOf(reading),
    async digest(key, work) {
      return digestArchive(reading, key, work);
    },
    async putSmall(key, bytes, options) {
      await records.at.putSmall(records.keyAt(key), bytes, options);
    },
    async put(key, file, expected, work, options = {}) {
      records.keyAt(key);
      await putArchive({ ...reading, uploads, unrecorded, key, file, expected, options, work });
    },
    async keep(key, until) {
      // An archive has no lock of its own: a vault has one for all. What says where it is can have one.
      await records.keep(key, until);
    },
    // What says how old a copy is lies there, and locks are that place's.
    ...(other.clock && { clock: other.clock.bind(other) }),
    async pruner(): Promise<Pruner | null> {
      const { prune } = config;
      const small = await records.at.pruner();
      if (prune === undefined || small === null) return null;
      const by =
        prune === true ? vault : openVault({ destination: name, site, config, credentials: prune, readSecret });
      return vaultPruner(by, records, small);
    },
    async free() {
      // A vault takes as much as is paid for.
      return null;
    },
    device: () => other.device(),
    async weaknesses() {
      return other.offsite ? [] : [keysNearby(vault, config.manifests)];
    },
    async probe() {
      await vault.call({ doing: 'looking at the vault', right: 'glacier:DescribeVault' }, (glacier) =>
        glacier.describeVault(vault.names),
      );
      await records.at.probe();
    },
  };
}

/** An inventory finds the archives again, and never what opens them. */
function keysNearby({ destination, config }: Vault, manifests: string): Weakness {
  return {
    message: `the keys of all that lies in the vault ${config.vault} of ${destination} lie at "${manifests}", which is not off-site: with it lost, and no other copy of a backup left, nothing opens its archives`,
    remedy: `Name an off-site destination in destinations.${destination}.manifests, and copy the folder vaults/${destination} there first; or say that it is off-site (destinations.${manifests}.offsite: true).`,
  };
}
