/** One attempt to make a backup, of data or of logs: its staging, its own key, its spool, and its seal. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import type { Manifest, UnsignedManifest } from '../../model/manifest.ts';
import { KEY_FILE, MANIFEST } from '../../model/paths.ts';
import { newIdentity, wrapIdentity } from '../keys/identity.ts';
import { siteSigner } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { writeNew } from '../storage/durable.ts';
import { translated } from '../storage/fs-errors.ts';
import type { Lease } from '../storage/lease.ts';
import { encodeManifest, signManifest } from '../storage/manifest-file.ts';
import {
  attemptName,
  createStaging,
  dropStaging,
  requireRepository,
  sealBackup,
  sweepStaging,
  writeRepository,
} from '../storage/repository.ts';
import { whileThere } from '../storage/while-there.ts';
import type { Work } from '../work.ts';
import { artifactWriter, type StagingWriter } from './artifact-writer.ts';

export interface AttemptRequest {
  readonly site: Site;
  readonly source: string;
  readonly config: SourceConfig;
  /** Of its step, from 1. */
  readonly attempt: number;
  /** Name of the lease under which it runs, and of its spool: a source's logs have one of their own. */
  readonly lease: string;
  /** Stored bytes of the last backup of this kind, for progress. */
  readonly expected: number | null;
  readonly work: Work;
}

export interface Attempt {
  /** Unique: names of slots, labels, spools. Letters, digits and dashes. */
  readonly name: string;
  readonly staging: string;
  readonly writer: StagingWriter;
  /** The backup's own identity, encrypted to the site's recipients. */
  readonly key: string;
  readonly spool: () => Promise<string>;
}

/** Runs an attempt. What it has not sealed is removed at its end, or swept by the next one where it was killed. */
export async function withAttempt<T>(request: AttemptRequest, body: (attempt: Attempt) => Promise<T>): Promise<T> {
  const { site, source, config, expected, work } = request;
  const name = attemptName(source, request.attempt);
  const spools = path.join(site.state, 'spool', request.lease);
  // What dead attempts left. Spools hold plaintext: under this lease no living attempt has one.
  await Promise.all([sweepStaging(site.repository, source), rm(spools, { recursive: true, force: true })]);
  // Long may have passed since somebody looked, and what is written into the bare folder below a mount fills the wrong disk.
  const there = () => requireRepository(site);
  await there();
  const staging = await whileThere(there, () => createStaging(site.repository, name));
  const spool = path.join(spools, name);
  try {
    return await whileThere(there, async () => {
      await there();
      const { identity, recipient } = await newIdentity();
      return body({
        name,
        staging,
        writer: artifactWriter({ site, config, staging, recipient, expected, work }),
        key: await wrapIdentity(identity, site.config.encryption.recipients),
        async spool() {
          await mkdir(spool, { recursive: true, mode: 0o700 });
          return spool;
        },
      });
    });
  } finally {
    await cleanUp({ staging, spool, work });
  }
}

export interface SealRequest {
  readonly site: Site;
  readonly staging: string;
  readonly unsigned: UnsignedManifest;
  /** Key of the backup's folder. */
  readonly folder: string;
  readonly lease: Lease;
}

/** Signs and seals. `existed`: a backup of that name is there already, and this one is dropped. */
export async function signAndSeal(
  request: SealRequest,
): Promise<{ readonly manifest: Manifest; readonly existed: boolean }> {
  const { site, staging, unsigned, folder, lease } = request;
  const manifest = signManifest(unsigned, await siteSigner(site));
  await translated(staging, 'writing the manifest', async () => {
    await writeNew(path.join(staging, KEY_FILE), Buffer.from(manifest.key, 'utf8'));
    await writeNew(path.join(staging, MANIFEST), encodeManifest(manifest));
  });
  const result = await writeRepository(site, () => sealBackup({ root: site.repository, staging, folder, lease }));
  return { manifest, existed: result === 'existed' };
}

/** What cannot be removed now is swept by the next attempt: it must not hide why this one failed. */
async function cleanUp({
  staging,
  spool,
  work,
}: Readonly<Record<'staging' | 'spool', string>> & { readonly work: Work }): Promise<void> {
  const removals = [dropStaging(staging), rm(spool, { recursive: true, force: true })];
  for (const removal of await Promise.allSettled(removals)) {
    if (removal.status === 'rejected')
      work.log.warn({ staging, spool, error: String(removal.reason) }, 'what an attempt left is not removed yet');
  }
}
