/** Makes a site for a test: a real config file with fresh keys, loaded as the program loads it. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { loadSite } from '../../activities/config/load.ts';
import { newIdentity } from '../../activities/keys/identity.ts';
import { newSigningKey } from '../../activities/keys/signing.ts';
import type { Site } from '../../activities/site.ts';
import type { SiteInput } from '../../model/config/site.ts';

/** What a test says of its site: anything of a config, and where it lies. */
export interface SiteOptions extends Partial<Omit<SiteInput, 'sources'>> {
  /** An existing folder: config, keys, repository, state and destinations go below it. */
  readonly folder: string;
  readonly sources: SiteInput['sources'];
}

export interface TestSite {
  readonly site: Site;
  /** The config file, for the command line. */
  readonly file: string;
  /** Identity files: the first is in the config, the second is the one kept elsewhere. */
  readonly identities: readonly [string, string];
  readonly publicKey: string;
}

/** A site below `folder`; where nothing is said of destinations, there is one, `vault`. */
export async function makeSite({ folder, ...options }: SiteOptions): Promise<TestSite> {
  const keys = path.join(folder, 'keys');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const [first, second] = await Promise.all([newIdentity(), newIdentity()]);
  const identities = [path.join(keys, 'identity.txt'), path.join(keys, 'second.txt')] as const;
  const signing = newSigningKey();
  const signingFile = path.join(keys, 'signing.pem');
  await Promise.all([
    writeFile(identities[0], `${first.identity}\n`, { mode: 0o600 }),
    writeFile(identities[1], `${second.identity}\n`, { mode: 0o600 }),
    writeFile(signingFile, signing.privatePem, { mode: 0o600 }),
  ]);
  const config = {
    site: 'test',
    repository: path.join(folder, 'repository'),
    state: path.join(folder, 'state'),
    encryption: { recipients: [first.recipient, second.recipient], identity: { file: identities[0] } },
    signing: { key: { file: signingFile }, trusted: [signing.publicKey] },
    destinations: { vault: { type: 'directory', path: path.join(folder, 'vault') } },
    ...options,
  } satisfies SiteInput;
  // As an operator does: the program makes no destination's folder, which could be a missing mount.
  await Promise.all(
    Object.values(config.destinations ?? {}).map(async (destination) => {
      if (destination.type === 'directory') await mkdir(destination.path, { recursive: true, mode: 0o700 });
    }),
  );
  const file = path.join(folder, 'config.yaml');
  await writeFile(file, stringify(config));
  // Of several hosts the test is the one that coordinates.
  const site = await loadSite({ file, env: process.env, host: options.coordinator });
  return { site, file, identities, publicKey: signing.publicKey };
}
