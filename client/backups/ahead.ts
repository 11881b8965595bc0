/** Backups of a source that are of the future by our clock: none of them says that the source is backed up. Pure. */
import { isAhead } from '../../model/clock.ts';
import { isAuthentic, type BackupEntry, type Overview } from './overview.ts';

/** Those that are ours, logs as well, in the overview's order: what a stranger has put somewhere is told otherwise. */
export function aheadOf(overview: Overview, source: string, now: number): readonly BackupEntry[] {
  return overview.entries.filter(
    (entry) => entry.source === source && isDatedAhead(entry, now) && isAuthentic(overview, entry.backup),
  );
}

export function isDatedAhead({ backup }: BackupEntry, now: number): boolean {
  return isAhead(backup.manifest.started, now);
}

export interface AheadText {
  readonly message: string;
  readonly remedy: string;
}

/** What is to be said of them; null where there is none. @param ahead references. */
export function aheadText(source: string, ahead: readonly string[]): AheadText | null {
  const [first] = ahead;
  if (first === undefined) return null;
  const more = ahead.length > 1 ? ` and ${ahead.length - 1} more backups are` : ' is';
  return {
    message: `${source}: ${first}${more} of the future by our clock, which was wrong then, or is now: how old it is nobody knows, and nothing of ${source} is deleted meanwhile`,
    remedy: `timedatectl; once the clock is right, mosaic-backup run daily --source ${source} makes one that counts and needs none of them. Then move the folders that a wrong clock has dated away: on their day they would be taken for the newest`,
  };
}
