/** The records of deletions at one place. */
import { pruneRecord, PRUNE_SCHEMA, type PruneRecord, type UnsignedPruneRecord } from '../../../model/prune-record.ts';
import { pruneRecordKey, pruneRecords } from '../../../model/paths.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Decision } from '../../../model/retention/types.ts';
import type { Signer } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { putSigned, readSigned } from '../../storage/signed-record.ts';
import type { Store, WritableStore } from '../../storage/types.ts';

export interface Recording {
  readonly site: Site;
  readonly store: WritableStore;
  readonly signer: Signer;
  readonly place: string;
  readonly source: string;
}

/** Writes down what is going to be deleted, before the first object is. */
export async function recordBegun(
  { site, store, signer, place, source }: Recording,
  decisions: readonly Decision[],
): Promise<UnsignedPruneRecord> {
  const record: UnsignedPruneRecord = {
    schema: PRUNE_SCHEMA,
    site: site.config.site,
    host: site.host,
    source,
    place,
    state: 'begun',
    time: new Date().toISOString(),
    backups: decisions.map(({ backup, reasons }) => ({
      backup: { reference: backup.reference, sha256: backup.sha256 },
      folder: backup.folder,
      tier: backup.tier,
      bytes: backup.bytes,
      reason: reasons.map(({ text }) => text).join('; '),
    })),
    left: [],
  };
  await putSigned(store, pruneRecordKey(source, record.time, 'begun'), record, signer);
  return record;
}

/** Writes down that all of it is gone, but for what was left whole. Another prune may have written so already. */
export async function recordEnded(
  { store, signer, source }: Pick<Recording, 'store' | 'signer' | 'source'>,
  begun: UnsignedPruneRecord,
  left: PruneRecord['left'],
): Promise<void> {
  const record: UnsignedPruneRecord = { ...begun, state: 'ended', left };
  try {
    await putSigned(store, pruneRecordKey(source, begun.time, 'ended'), record, signer);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'conflict') throw error;
  }
}

/** Deletions of a source that were begun at a place and have not ended: somebody is at them, or was killed. */
export async function unfinished(
  store: Store,
  source: string,
  trusted: readonly string[],
): Promise<readonly PruneRecord[]> {
  const keys = new Set<string>();
  for await (const { key } of store.list(pruneRecords(source))) keys.add(key);
  const open = [...keys].filter(
    (key) => key.endsWith('-begun.json') && !keys.has(key.replace(/begun\.json$/, 'ended.json')),
  );
  const found: PruneRecord[] = [];
  for (const key of open) {
    const record = await readSigned(store, key, pruneRecord, trusted);
    if (record) found.push(record);
  }
  return found;
}
