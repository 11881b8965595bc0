/** How old the proof of a source is: its newest restore test or drill that held, of any of its backups, from any place. */
import type { Site } from '../../activities/site.ts';
import { isAhead } from '../../model/clock.ts';
import type { Finding } from '../../model/finding.ts';
import { formatDuration } from '../../model/units.ts';
import type { BackupEntry } from './overview.ts';

/** RFC 3339; null where none held yet. A wrong clock has dated what is of the future: it proves nothing of now. @param entries of the source. */
export function provenAt(entries: readonly Pick<BackupEntry, 'proven'>[], now: number): string | null {
  const times = entries.flatMap(({ proven }) => (proven?.ok && !isAhead(proven.time, now) ? [proven.time] : []));
  return times.toSorted().at(-1) ?? null;
}

export interface ProofAge {
  readonly source: string;
  /** RFC 3339; null where nothing was proven. */
  readonly proven: string | null;
  /** RFC 3339: when its oldest backup was made; null without one. */
  readonly since: string | null;
}

/** A warning where the proof is too old, or there is none though there was time for one. */
export function proofFindings({ config }: Site, { source, proven, since }: ProofAge, now: number): readonly Finding[] {
  const { staleAfter } = config.plans.restoreTest;
  const from = proven ?? since;
  if (from === null || now - Date.parse(from) <= staleAfter) return [];
  const age = formatDuration(now - Date.parse(from));
  return [
    {
      code: 'status.proof-stale',
      severity: 'warning',
      message:
        proven === null
          ? `${source}: none of its backups was ever restored to prove it, for ${age}`
          : `${source}: its last proof is ${age} old`,
      remedy: `mosaic-backup test-restore --source ${source}`,
      subject: source,
    },
  ];
}
