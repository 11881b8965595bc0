/**
 * Shipping of binary logs as an operation would do it: real artifacts, encrypted and read back, and a manifest of the
 * form that a sealed one has. Staging, lease and signature are the operation's, and are not looked at here.
 */
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity } from '../../../../activities/keys/identity.ts';
import { artifactWriter } from '../../../../activities/operations/artifact-writer.ts';
import type { Site } from '../../../../activities/site.ts';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import { readLines, readStream } from '../../../../activities/streams/read.ts';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { MANIFEST_SCHEMA, type Manifest } from '../../../../model/manifest.ts';
import { testWork } from '../../../support/work.ts';
import { SOURCE } from './backups.ts';

export interface Shipping {
  /** What is sealed, oldest first. */
  readonly sealed: BackupReader[];
  /** Ships and seals what is new; null where nothing is. */
  ship(): Promise<BackupReader | null>;
}

export async function makeShipping(site: Site, folder: string): Promise<Shipping> {
  const sealed: BackupReader[] = [];
  const [received, state] = [path.join(folder, 'received'), path.join(folder, 'logs-state')];
  for (const each of [received, state]) await mkdir(each, { mode: 0o700 });
  const config = configOf(site);

  async function ship(): Promise<BackupReader | null> {
    const staging = path.join(folder, `logs-${sealed.length}-${Date.now()}`);
    await mkdir(staging);
    const { recipient, identity } = await newIdentity();
    const work = testWork();
    const artifacts = artifactWriter({ site, config, staging, recipient, expected: null, work });
    const shipped = await mariadb.logs?.ship({
      site: 'test',
      source: SOURCE,
      config,
      work,
      readSecret: site.readSecret,
      state,
      received,
      attempt: `ship-${sealed.length}`,
      newest: sealed.at(-1)?.manifest ?? null,
      async *sealed() {
        yield* sealed.map(({ manifest }) => manifest);
      },
      artifacts,
      noteSlotLost: () => Promise.reject(new Error('MariaDB has no slots')),
    });
    if (!shipped) return null;
    const { first, last, engine, position, tools, coversUntil, warnings } = shipped;
    const now = new Date().toISOString();
    const manifest: Manifest = {
      schema: MANIFEST_SCHEMA,
      id: `${first}-${last}`,
      site: 'test',
      host: 'here',
      run: 'logs',
      source: SOURCE,
      type: 'mariadb',
      kind: 'logs',
      tier: null,
      parent: null,
      copyOf: null,
      scheduled: now,
      started: now,
      finished: now,
      coversUntil,
      engine,
      consistency: 'crash',
      position,
      artifacts: artifacts.written(),
      key: '',
      tools,
      warnings: [...warnings],
      signature: { keyId: 'test', ed25519: 'test' },
    };
    const reader = readerOf(manifest, staging, identity);
    sealed.push(reader);
    await shipped.onSealed?.(manifest.id);
    return reader;
  }

  return { sealed, ship };
}

function configOf(site: Site): MariadbSource {
  const config = site.config.sources[SOURCE];
  if (config?.type !== 'mariadb') throw new Error('a site without the source');
  return config;
}

function readerOf(manifest: Manifest, folder: string, identity: string): BackupReader {
  function stored(name: string) {
    const expected = manifest.artifacts.find((artifact) => artifact.name === name);
    if (!expected) throw new Error(`no artifact ${name}`);
    return { source: createReadStream(path.join(folder, name)), expected, identity, work: testWork() };
  }
  return {
    manifest,
    into: async (_role, name, consumer) => readStream({ ...stored(name), consumer }),
    through: async (_role, name, consumer) => readStream({ ...stored(name), consumer }),
    lines: (role) => readLines(stored(role)),
    seal: (text) => text,
  };
}
