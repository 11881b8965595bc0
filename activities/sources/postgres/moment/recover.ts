/** The recovery of a restored base backup to the moment whose rows are known. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import type { Check } from '../../../../model/evidence.ts';
import type { PostgresEntry } from '../../../../model/inventory.ts';
import type { Work } from '../../../work.ts';
import type { BackupReader } from '../../types.ts';
import { hasProgram, installRemedy, type Binaries } from '../binaries.ts';
import { failed, notCompared } from '../checks.ts';
import { untar } from '../extract.ts';
import { recoverySettings } from '../replay.ts';
import { NOT_COMPARED } from '../rows.ts';
import { CHECK_WAL } from './fix.ts';
import type { Mark } from './mark.ts';
import { findPlace, type Found, type Seen } from './place.ts';
import { parseSnapshot } from './snapshot.ts';

export interface Recovery extends Found {
  readonly possible: true;
  /** Of the server that recovers. */
  readonly settings: Readonly<Record<string, string>>;
  readonly seen: Seen;
  /** What the capture says of tables that it could not read; null where it could read all. */
  readonly unread: string | null;
}

/** The check that says why not. */
export interface NoRecovery {
  readonly possible: false;
  readonly check: Check;
}

export interface Recovering {
  readonly backup: BackupReader;
  readonly inventory: readonly PostgresEntry[];
  /** The restored data folder; nothing was started on it yet. */
  readonly restored: string;
  /** An empty folder that the server's user may reach. */
  readonly scratch: string;
  /** Whether what was restored may be recovered further than the backup's end. */
  readonly expendable: boolean;
  readonly binaries: Binaries;
  readonly work: Work;
}

/** Prepares the recovery, or says as a check why rows are not compared. */
export async function prepareRecovery(recovering: Recovering): Promise<Recovery | NoRecovery> {
  const { backup, inventory, restored, scratch, binaries, work } = recovering;
  const entry = inventory.find((each) => each.entry === 'moment');
  if (!entry) return no(notCompared('rows', withoutMoment(backup)));
  const hindrance = await hindranceOf(recovering);
  if (hindrance !== null) return no(notCompared('rows', `rows not compared: ${hindrance}`));
  const wal = path.join(scratch, CHECK_WAL.role);
  await mkdir(wal, { mode: 0o700 });
  for (const { role, name } of backup.manifest.artifacts) {
    if (role === CHECK_WAL.role) await backup.into(role, name, untar(wal));
  }
  const mark: Mark = { ...entry, firstXid: BigInt(entry.firstXid) };
  const snapshots = inventory.filter((each) => each.entry === 'snapshot');
  const seen = new Map(
    snapshots.map(({ database, oid, snapshot }) => [database, { oid, snapshot: parseSnapshot(snapshot) }]),
  );
  const folder = { wal, waldump: binaries, work };
  try {
    const found = await findPlace(folder, mark, seen);
    await writeFile(path.join(restored, 'recovery.signal'), '', { mode: 0o600 });
    const settings = {
      ...recoverySettings(wal, mark.timeline),
      recovery_target_lsn: found.place.lsn,
      recovery_target_inclusive: 'off',
    };
    return { possible: true, ...found, seen, settings, unread: warningOf(backup) };
  } catch (error) {
    if (error instanceof BackupError && error.code === 'verification-failed') return no(failed('rows', error.message));
    throw error;
  }
}

function no(check: Check): NoRecovery {
  return { possible: false, check };
}

/** A backup with a role that may read tables says itself why it has no moment. */
function withoutMoment(backup: BackupReader): string {
  return `rows not compared: ${warningOf(backup) ?? 'the source has no check role'}`;
}

function warningOf({ manifest }: BackupReader): string | null {
  return manifest.warnings.find(({ code }) => code === NOT_COMPARED)?.message ?? null;
}

async function hindranceOf({ restored, expendable, binaries }: Recovering): Promise<string | null> {
  if (!expendable) return 'they are known for a moment after the backup’s end, and this folder stays as it is';
  // The server takes it away at its first start: what has been recovered elsewhere cannot come to that moment.
  if (!(await isThere(path.join(restored, 'backup_label')))) return 'the folder was started or recovered before';
  if (await hasProgram(binaries, 'pg_waldump')) return null;
  return installRemedy(binaries.major, 'pg_waldump');
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
