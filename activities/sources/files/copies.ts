/** Folders that are seen at two places because of a bind mount. */
import type { FileSystem } from './selection.ts';
import { isWithin } from './mounts.ts';

export interface Region {
  readonly path: string;
  readonly device: string;
  /** The path inside its file system. */
  readonly inside: string;
  readonly fileSystem: FileSystem;
}

/**
 * Pairs of paths that show the same folders. tar tells folders by device and inode, so an incremental would take
 * the one for the other, renamed.
 */
export function findCopies(regions: readonly Region[]): readonly (readonly [string, string])[] {
  return regions.flatMap((outer) =>
    regions
      .filter((inner) => inner !== outer && inner.device === outer.device && isWithin(inner.inside, outer.inside))
      // A folder bound onto itself covers its original.
      .filter((inner) => inner.path !== placeIn(outer, inner.inside))
      .map((inner) => [outer.path, inner.path] as const),
  );
}

function placeIn(outer: Region, inside: string): string {
  const rest = inside.slice(outer.inside === '/' ? 0 : outer.inside.length);
  return `${outer.path}${rest === '/' ? '' : rest}`;
}
