/**
 * Each destination has a place of its own at its server. Two that are one would count as two copies, and what
 * retention deletes at the one would be gone at the other.
 */
import type { Draft } from './draft.ts';
import { isWithin } from './folders.ts';
import type { ConfigProblem } from './problem.ts';
import { targetOf } from './destinations/rsync.ts';

type Destination = Draft['destinations'][string];

interface Remote {
  readonly name: string;
  /** The field that names the folder. */
  readonly field: string;
  /** Equal for places that may overlap. */
  readonly server: string;
  /** With a slash at its beginning. */
  readonly folder: string;
}

export function checkRemotes({ destinations }: Draft): readonly ConfigProblem[] {
  const remotes = Object.entries(destinations).flatMap(
    ([name, config]) => inBucket(name, config) ?? inVault(name, config) ?? byRsync(name, config) ?? [],
  );
  return remotes.flatMap((later, index) =>
    remotes.slice(0, index).flatMap((earlier) => (earlier.server === later.server ? overlap(earlier, later) : [])),
  );
}

function inBucket(name: string, { bucket, endpoint, prefix }: Destination): Remote | undefined {
  if (bucket === undefined) return undefined;
  const server = `s3 ${(endpoint ?? '').toLowerCase().replace(/\/$/, '')} ${bucket}`;
  return { name, field: prefix === undefined ? 'bucket' : 'prefix', server, folder: `/${prefix ?? ''}` };
}

function inVault(name: string, { vault, endpoint, region }: Destination): Remote | undefined {
  if (vault === undefined) return undefined;
  const server = `glacier ${(endpoint ?? '').toLowerCase().replace(/\/$/, '')} ${region ?? ''} ${vault}`;
  return { name, field: 'vault', server, folder: '/' };
}

/** Behind rrsync the key decides which folder is meant: with another one it may be another. */
function byRsync(name: string, { target, port, key }: Destination): Remote | undefined {
  if (target === undefined) return undefined;
  const { host, user, root } = targetOf(target);
  // It is no target, which is told by itself.
  if (host === '') return undefined;
  const server = `rsync ${user ?? ''}@${host}:${port ?? 22} ${JSON.stringify(key)}`;
  return { name, field: 'target', server, folder: root.startsWith('/') ? root : `/~/${root}` };
}

function overlap(earlier: Remote, later: Remote): readonly ConfigProblem[] {
  const path = ['destinations', later.name, later.field];
  const remedy = 'Give each a folder of its own, neither inside the other; copies best on another server.';
  const of = `the destination "${earlier.name}"`;
  if (earlier.folder === later.folder) return [{ path, at: 'value', message: `the same place as ${of}`, remedy }];
  if (isWithin(later.folder, earlier.folder)) return [{ path, at: 'value', message: `lies inside ${of}`, remedy }];
  if (isWithin(earlier.folder, later.folder)) return [{ path, at: 'value', message: `${of} lies inside it`, remedy }];
  return [];
}
