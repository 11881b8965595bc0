/** Destinations of the type `glacier` under test: a vault of moto behind the stand-in, and a folder for what it must keep elsewhere. */
import { glacierDestination } from '../../../../model/config/destinations/glacier.ts';
import type { GlacierDestination } from '../../../../model/config/destinations/glacier.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import type { Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import type { PlaceContext } from '../destination-of.ts';

/** Where the vault under test keeps its records. */
export const NEAR = 'near';

export interface VaultContext extends PlaceContext {
  readonly config: GlacierDestination;
}

export interface VaultOptions extends Partial<GlacierDestination> {
  /** The folder of the other destination; a new one when absent. */
  readonly folder?: string;
  /** Who asks, by name. */
  readonly user?: string;
}

/** What makes a destination of a new vault, with a state folder of its own. What is left out has its default. */
export async function contextOf(
  vaults: Pick<Vaults, 'endpoint' | 'makeVault'>,
  options: VaultOptions = {},
): Promise<VaultContext> {
  const { folder = await temporaryFolder(), user = 'testing', ...config } = options;
  const vault = options.vault ?? (await vaults.makeVault());
  const defaults = glacierDestination.parse({ type: 'glacier', vault, manifests: NEAR });
  const state = await temporaryFolder();
  const credentials = credentialsOf(user);
  return {
    name: 'cold',
    site: 'test',
    state,
    config: { ...defaults, endpoint: vaults.endpoint, credentials, prune: true, ...config },
    others: { [NEAR]: { name: NEAR, site: 'test', state, config: { type: 'directory', path: folder } } },
  };
}

/** The stand-in goes by the name alone. */
export function credentialsOf(user: string) {
  const variable = `TEST_GLACIER_${user.replaceAll(/[^a-z0-9]/gi, '_')}`.toUpperCase();
  process.env[variable] = user;
  return { accessKeyId: { env: variable }, secretAccessKey: { env: variable } };
}

/** Asks for an artifact. With the stand-in it is there at once, unless jobs are held. */
export async function thaw(destination: Destination, key: string): Promise<void> {
  await destination.thawing?.ask(key, { speed: 'standard', days: 1 });
}
