/** Which Temporal a site uses: one that is configured, or an embedded one whose address `up` leaves in state. */
import type { NativeConnectionOptions } from '@temporalio/worker';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { existsSync } from 'node:fs';
import { temporalCredentials, type TemporalCredentials } from '../../activities/config/temporal-credentials.ts';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import { readEmbedded } from './embedded-record.ts';

export interface Endpoint {
  readonly connection: NativeConnectionOptions;
  readonly namespace: string;
  /** Address of the Web UI where it is known. */
  readonly ui: string | null;
  /** What the config names besides, read when a connection is made; absent: nothing. */
  readonly credentials?: () => Promise<TemporalCredentials>;
}

/**
 * The configured Temporal: `temporal` in the site's config over Temporal's own profile and variables.
 * Undefined when neither names an address: then the embedded server serves.
 */
export function configuredEndpoint(site: Site, env: NodeJS.ProcessEnv = process.env): Endpoint | undefined {
  const { temporal } = site.config;
  const loaded = loadProfile(site, env);
  const address = temporal.address ?? loaded.connectionOptions.address;
  if (address === undefined) return undefined;
  return {
    connection: { ...loaded.connectionOptions, address },
    namespace: temporal.namespace ?? loaded.namespace ?? 'default',
    ui: null,
    credentials: () => temporalCredentials(site),
  };
}

/** The embedded server of a running `up`, if there is one. */
export async function embeddedEndpoint(site: Site): Promise<Endpoint | undefined> {
  const record = await readEmbedded(site.state);
  return record ? { connection: { address: record.address }, namespace: record.namespace, ui: record.ui } : undefined;
}

function loadProfile({ config, file }: Site, env: NodeJS.ProcessEnv): ReturnType<typeof loadClientConnectConfig> {
  const { profile, configFile } = config.temporal;
  requireFile(configFile ?? env['TEMPORAL_CONFIG_FILE'], configFile === undefined ? 'TEMPORAL_CONFIG_FILE' : file);
  try {
    return loadClientConnectConfig({
      ...(profile === undefined ? {} : { profile }),
      ...(configFile === undefined ? {} : { configSource: { path: configFile } }),
      overrideEnvVars: Object.fromEntries(
        Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    });
  } catch (error) {
    throw new BackupError(
      'config',
      `Temporal's own configuration cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        remedy: `Look at temporal.profile in ${file} and at the variables TEMPORAL_PROFILE and TEMPORAL_CONFIG_FILE.`,
        cause: error,
      },
    );
  }
}

/** Where one is named that is not there, the loader goes on without it: a run would not go where it should. */
function requireFile(named: string | undefined, by: string): void {
  if (named === undefined || named === '' || existsSync(named)) return;
  throw new BackupError('config', `${named}, which ${by} names for Temporal's profiles, is not there`, {
    remedy: 'Mend the path, or leave it out where temporal.address says enough.',
    facts: { path: named },
  });
}
