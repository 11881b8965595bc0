/** Whether backups are one chain: by their manifests before anything is fetched, by backup_label before anything is combined. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { pinned } from '../../../storage/manifest-file.ts';
import { lsnNumber } from '../base-backup.ts';
import { basePosition } from './position.ts';

/** @throws BackupError `verification-failed` for a chain that lacks a member, or has them in another order. */
export function requireChain(chain: readonly Manifest[]): void {
  const [full, ...incrementals] = chain;
  if (full?.parent !== null || full.kind !== 'full') throw broken(`${full?.id ?? 'nothing'} is no full`);
  let parent = full;
  for (const manifest of incrementals) {
    const { reference, sha256 } = pinned(parent);
    if (manifest.parent?.reference !== reference || manifest.parent.sha256 !== sha256) {
      throw broken(`${manifest.id} builds on ${manifest.parent?.reference ?? 'nothing'}, and not on ${reference}`);
    }
    if (basePosition.parse(manifest.position).systemId !== basePosition.parse(parent.position).systemId) {
      throw broken(`${manifest.id} and ${parent.id} are of different clusters`);
    }
    parent = manifest;
  }
}

/** The label that the server itself wrote says where the parent begins; pg_combinebackup would look only later. */
export async function requireLabel(parent: Manifest, manifest: Manifest, data: string): Promise<void> {
  const { startLsn, timeline } = basePosition.parse(parent.position);
  const label = await readFile(path.join(data, 'backup_label'), 'utf8');
  const lsn = /^INCREMENTAL FROM LSN: ([0-9A-F]+\/[0-9A-F]+)$/m.exec(label)?.[1];
  const tli = /^INCREMENTAL FROM TLI: (\d+)$/m.exec(label)?.[1];
  if (lsn !== undefined && lsnNumber(lsn) === lsnNumber(startLsn) && Number(tli) === timeline) return;
  throw broken(
    `${manifest.id} says inside that it was taken from ${lsn ?? 'nothing'}, and ${parent.id} begins at ${startLsn}`,
  );
}

function broken(why: string): BackupError {
  return new BackupError('verification-failed', `These backups are no chain: ${why}. Nothing was combined.`, {
    remedy: 'Restore from a place that has the whole chain (`mosaic-backup list`), or restore its full.',
  });
}
