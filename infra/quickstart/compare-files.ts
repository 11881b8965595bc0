/** Whether two trees are the same, entry by entry: kind, mode, owner, time, link target, and the digest of every file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface TreeComparison {
  readonly entries: number;
  readonly files: number;
  /** `path: what differs`; empty when the trees are the same. */
  readonly differences: readonly string[];
}

/** @param source what should be there; @param restored what is. */
export async function compareTrees(source: string, restored: string, signal: AbortSignal): Promise<TreeComparison> {
  const [wanted, found] = await Promise.all([describeTree(source, signal), describeTree(restored, signal)]);
  const names = [...new Set([...wanted.keys(), ...found.keys()])].toSorted();
  return {
    entries: wanted.size,
    files: [...wanted.values()].filter(({ kind }) => kind === 'file').length,
    differences: names.flatMap((name) => differences(name, wanted.get(name), found.get(name))),
  };
}

interface Entry {
  readonly kind: string;
  readonly mode: string;
  readonly owner: string;
  readonly modified: string;
  readonly content: string;
}

function differences(name: string, wanted: Entry | undefined, found: Entry | undefined): readonly string[] {
  if (!wanted) return [`${name}: is in the restore only`];
  if (!found) return [`${name}: is missing`];
  const differing = (['kind', 'mode', 'owner', 'modified', 'content'] as const).filter(
    (fact) => wanted[fact] !== found[fact],
  );
  return differing.map((fact) => `${name}: ${fact} is ${found[fact]}, was ${wanted[fact]}`);
}

async function describeTree(root: string, signal: AbortSignal): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  const names = await readdir(root, { recursive: true });
  for (const name of ['.', ...names]) entries.set(name, await describe(path.join(root, name), signal));
  return entries;
}

async function describe(file: string, signal: AbortSignal): Promise<Entry> {
  const facts = await lstat(file, { bigint: true });
  const common = {
    mode: (facts.mode & 0o7777n).toString(8),
    owner: `${facts.uid}:${facts.gid}`,
    modified: String(facts.mtimeNs),
  };
  if (facts.isSymbolicLink()) return { kind: 'symlink', ...common, content: await readlink(file) };
  if (facts.isDirectory()) return { kind: 'directory', ...common, content: '' };
  if (!facts.isFile()) return { kind: 'special', ...common, content: '' };
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash, { signal });
  return { kind: 'file', ...common, content: hash.digest('hex') };
}
