/** How PostgreSQL is backed up without us. All ask for a checkpoint at once, or they would measure its pace. */
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import type { Peer } from './shell.ts';

const { level, threads } = DEFAULT_COMPRESSION;

const BASE_BACKUP = 'pg_basebackup -D - -Ft -X fetch -c fast --manifest-checksums=SHA256 --no-password';
/** A base backup that can be restored has all of these. */
export const HAS_ALL =
  'tar -t > "$WORK/list" && grep -qx PG_VERSION "$WORK/list" && grep -qx backup_manifest "$WORK/list"';

/** The same programs, levels and threads as ours, and synced as ours is. */
export const PIPELINE: Peer = {
  name: 'shell pipeline',
  command: `${BASE_BACKUP} | zstd -${level} -T${threads} | age -r "$RECIPIENT" > "$WORK/base.tar.zst.age"; sync "$WORK/base.tar.zst.age"`,
  check: `age -d -i "$IDENTITY" "$WORK/base.tar.zst.age" | zstd -d | ${HAS_ALL}`,
};

/** pg_basebackup syncs its files by itself. It compresses on one core: two minutes, of which more tell nothing new. */
export const CLASSIC: Peer = {
  name: 'pg_basebackup -z',
  most: 1,
  command: 'pg_basebackup -D "$WORK/base" -Ft -z -c fast --no-password',
  check:
    'test -s "$WORK/base/backup_manifest" && test -s "$WORK/base/pg_wal.tar.gz" && tar -tzf "$WORK/base/base.tar.gz" > "$WORK/list" && grep -qx PG_VERSION "$WORK/list"',
};

export const RESTIC: Peer = {
  name: 'restic',
  most: 2,
  before: 'restic init',
  command: `${BASE_BACKUP} | restic backup --stdin --stdin-filename base.tar`,
  check: `restic dump latest base.tar | ${HAS_ALL}`,
};

export const BORG: Peer = {
  name: 'borg',
  most: 2,
  before: 'borg init --encryption=repokey-blake2',
  command: `${BASE_BACKUP} | borg create --stdin-name base.tar ::first -`,
  check: `borg extract --stdout ::first base.tar | ${HAS_ALL}`,
};

export const POSTGRES_PEERS: readonly Peer[] = [PIPELINE, CLASSIC, RESTIC, BORG];
