/** The sample's keys, made once, and its config, written at each start: the sockets of its servers may have moved. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { newIdentity } from '../../../activities/keys/identity.ts';
import { newSigningKey } from '../../../activities/keys/signing.ts';
import { readFile } from 'node:fs/promises';
import type { SiteInput } from '../../../model/config/site.ts';
import type { SamplePlace } from './place.ts';

const publicKeys = z.object({ recipients: z.array(z.string()), signing: z.string() });

/** Two identities and a signing key, as `init` makes them. */
export async function makeKeys({ keys }: SamplePlace): Promise<void> {
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const [first, second] = await Promise.all([newIdentity(), newIdentity()]);
  const signing = newSigningKey();
  const shown = { recipients: [first.recipient, second.recipient], signing: signing.publicKey };
  await Promise.all([
    writeFile(path.join(keys, 'identity.txt'), `${first.identity}\n`, { mode: 0o600 }),
    writeFile(path.join(keys, 'second-identity.txt'), `${second.identity}\n`, { mode: 0o600 }),
    writeFile(path.join(keys, 'signing.pem'), signing.privatePem, { mode: 0o600 }),
    writeFile(path.join(keys, 'public.json'), JSON.stringify(shown), { mode: 0o600 }),
  ]);
}

/** The parts of the config that are servers, as they run now. */
export interface SampleServers {
  readonly databases: SiteInput['sources'];
  readonly destinations: NonNullable<SiteInput['destinations']>;
}

export async function writeConfig(place: SamplePlace, { databases, destinations }: SampleServers): Promise<void> {
  const { recipients, signing } = publicKeys.parse(
    JSON.parse(await readFile(path.join(place.keys, 'public.json'), 'utf8')),
  );
  const config = {
    site: 'sample',
    repository: place.repository,
    state: place.state,
    // Whatever Temporal this user has configured elsewhere, the sample brings its own.
    temporal: { configFile: path.join(place.keys, 'no-temporal.toml') },
    encryption: { recipients, identity: { file: path.join(place.keys, 'identity.txt') } },
    signing: { key: { file: path.join(place.keys, 'signing.pem') }, trusted: [signing] },
    sources: {
      ...databases,
      stack: {
        type: 'files',
        group: 'configs',
        paths: [place.stack],
        probes: [{ name: 'compose', file: path.join(place.stack, 'compose.yaml'), contains: 'services:' }],
      },
    },
    destinations: { vault: { type: 'directory', path: place.vault }, ...destinations },
    // Somebody watches: what does not heal within a minute is told.
    plans: {
      daily: {
        captureDeadline: '1m',
        copyDeadline: '1m',
        verifyDeadline: '1m',
        retryFirst: '1s',
        retryMax: '10s',
        busy: '30s',
      },
      restoreTest: { scratch: place.scratch, deadline: '1m', retryFirst: '1s', retryMax: '10s' },
      drill: {
        scratch: place.scratch,
        secondIdentity: { file: path.join(place.keys, 'second-identity.txt') },
        deadline: '1m',
        retryFirst: '1s',
        retryMax: '10s',
      },
    },
  } satisfies SiteInput;
  await writeFile(path.join(place.keys, 'no-temporal.toml'), '[profile.default]\n');
  await writeFile(place.config, `${NOTE}${stringify(config)}`, { mode: 0o600 });
}

const NOTE = `# The sample's config, written anew at each "npm start". For a config of your own: mosaic-backup init
# Both identities lie here only because this is a sample; one of them belongs somewhere else.
`;
