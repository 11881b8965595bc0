/** A chain of backups, before anything of it is fetched: whole, in order, and of one method. */
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { pinned } from '../../storage/manifest-file.ts';
import { physicalPosition, type PhysicalPosition } from './position.ts';

/** Undefined for a dump, which is a chain of its own. */
export type Positions = readonly PhysicalPosition[] | undefined;

/**
 * Where each member stands.
 * @throws BackupError `verification-failed` where one is missing, out of order, or does not begin where its parent
 *   ends. LSNs alone would not tell: on a quiet server neighbours begin and end at the same one.
 */
export function positionsOf(chain: readonly Manifest[]): Positions {
  const [full, ...incrementals] = chain;
  if (!full) throw new TypeError('a restore of nothing');
  if (full.kind !== 'full') throw broken(full, 'is an incremental, and the full that it builds on is missing');
  if (full.position?.['method'] === 'logical') {
    const [more] = incrementals;
    if (more) throw broken(more, `builds on the dump ${formatReference(full)}, which nothing can`);
    return undefined;
  }
  const positions = chain.map((manifest) => positionOf(manifest));
  for (const [index, manifest] of incrementals.entries()) requireNext(manifest, chain[index], positions, index);
  return positions;
}

function requireNext(
  manifest: Manifest,
  parent: Manifest | undefined,
  positions: readonly PhysicalPosition[],
  index: number,
): void {
  const [before, own] = [positions[index], positions[index + 1]];
  if (manifest.kind !== 'incremental' || !parent || !before || !own) throw broken(manifest, 'is no incremental');
  const expected = pinned(parent);
  if (manifest.parent?.reference !== expected.reference || manifest.parent.sha256 !== expected.sha256) {
    throw broken(
      manifest,
      `builds on ${manifest.parent?.reference ?? 'nothing'}, and ${expected.reference} comes before it here`,
    );
  }
  if (own.fromLsn !== before.toLsn) {
    throw broken(manifest, `begins at LSN ${own.fromLsn}, and its parent ends at ${before.toLsn}`);
  }
}

function positionOf(manifest: Manifest): PhysicalPosition {
  const found = physicalPosition.safeParse(manifest.position);
  if (found.success) return found.data;
  throw broken(manifest, 'does not say where it stands');
}

function broken(manifest: Manifest, how: string): BackupError {
  const reference = formatReference(manifest);
  return new BackupError('verification-failed', `${reference} ${how}. Nothing was fetched.`, {
    remedy: 'Restore an earlier backup, whose chain is whole, or this one from another copy.',
    facts: { reference },
  });
}
