/**
 * The parents' backup_manifest files in a source's state. Each has its SHA-256 in its name, and the same stands in
 * the signed manifest of the backup that it belongs to: so a file that is another backup's, or was changed, is never
 * built upon. It gets that name before the seal, and the parent's before it goes after the seal only: killed at any
 * moment, the newest sealed backup has its file.
 */
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { publish, writeNew } from '../../../storage/durable.ts';
import { ifThere } from '../../../storage/fs-errors.ts';

/** All that this file's functions ever leave in state. */
const OURS = /^(?:coming|parent|refused)-[0-9A-Za-z.-]+\.backup_manifest$/;

/** Where an attempt's manifest goes while it comes. */
export function comingFile(state: string, attempt: string): string {
  return path.join(state, `coming-${attempt}.backup_manifest`);
}

function parentFile(state: string, digest: string): string {
  return path.join(state, `parent-${digest}.backup_manifest`);
}

function refusalFile(state: string, digest: string): string {
  return path.join(state, `refused-${digest}.backup_manifest`);
}

/** Makes what has come durable, under its digest. @returns the digest, for the backup's own manifest. */
export async function keepComing(state: string, attempt: string): Promise<string> {
  const coming = comingFile(state, attempt);
  const handle = await open(coming, 'r+');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const digest = digestOf(await readFile(coming));
  await publish(coming, parentFile(state, digest));
  return digest;
}

/** The file of a backup, whole and unchanged; undefined where it is not. */
export async function findParent(state: string, digest: string): Promise<string | undefined> {
  const file = parentFile(state, digest);
  const bytes = await ifThere(readFile(file));
  return bytes && digestOf(bytes) === digest ? file : undefined;
}

/** Remembers that the server takes no incremental on this backup, so that the next one is a full. */
export async function refuseParent(state: string, digest: string, why: string): Promise<void> {
  await rm(refusalFile(state, digest), { force: true });
  await writeNew(refusalFile(state, digest), Buffer.from(why, 'utf8'));
}

export async function refusalOf(state: string, digest: string): Promise<string | undefined> {
  return (await ifThere(readFile(refusalFile(state, digest))))?.toString('utf8');
}

/** Removes what belongs to other backups than this one, and what killed attempts have left. */
export async function sweepParents(state: string, digest: string | null): Promise<void> {
  const kept = digest === null ? [] : [parentFile(state, digest), refusalFile(state, digest)];
  const names = new Set(kept.map((file) => path.basename(file)));
  for (const name of await readdir(state)) {
    if (OURS.test(name) && !names.has(name)) await rm(path.join(state, name), { force: true });
  }
}

/** The SHA-256 of a backup_manifest, lowercase hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
