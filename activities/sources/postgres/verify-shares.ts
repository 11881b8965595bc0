/**
 * How the files of a base backup are shared among several pg_verifybackup: one alone digests on one core. Each is told
 * to ignore the large files of the others, and does everything else itself, so that nothing is left out.
 */
import { z } from 'zod';

/** A file of backup_manifest; one whose name is not UTF-8 has `Encoded-Path`, and everyone looks at it. */
export const manifestFile = z.looseObject({ Path: z.string().optional(), Size: z.number() });

export type ManifestFile = z.infer<typeof manifestFile>;

/** A file below this is digested by all: it costs less than to be told. */
const LARGE = 1024 * 1024;

/** pg_verifybackup compares each path with each that it ignores, and they are its arguments. */
const MOST = 500;

/**
 * For each verifier the paths that it leaves to another one. Each file is left to one at the most by all the others, so
 * somebody looks at every file. Only one verifier where no more would help.
 */
export function shareFiles(files: readonly ManifestFile[], verifiers: number): readonly (readonly string[])[] {
  const large = files
    .flatMap(({ Path, Size }) => (Path !== undefined && Size >= LARGE ? [{ path: Path, bytes: Size }] : []))
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, MOST);
  const shared = large.reduce((sum, { bytes }) => sum + bytes, 0);
  const all = files.reduce((sum, { Size }) => sum + Size, 0);
  if (shared < all / 2 || large.length < verifiers) return [[]];
  const shares = Array.from({ length: verifiers }, (): Share => ({ bytes: 0, paths: new Set() }));
  for (const { path, bytes } of large) {
    const least = shares.reduce((best, share) => (share.bytes < best.bytes ? share : best));
    least.bytes += bytes;
    least.paths.add(path);
  }
  return shares.map(({ paths }) => large.map(({ path }) => path).filter((path) => !paths.has(path)));
}

interface Share {
  bytes: number;
  readonly paths: Set<string>;
}
