/** Marks a backup at every place: a legal hold, its end, or that its size is right. */
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import { MARK_SCHEMA, type Mark, type MarkKind, type UnsignedMark } from '../../model/mark.ts';
import { evidenceKey } from '../../model/paths.ts';
import { LOCAL } from '../../model/retention/kept-until.ts';
import { siteSigner } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { pinned } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { openRepository, prepareRepository } from '../storage/repository.ts';
import { putSigned } from '../storage/signed-record.ts';
import type { WritableStore } from '../storage/types.ts';

export interface MarkRequest {
  readonly site: Site;
  readonly manifest: Manifest;
  readonly what: MarkKind;
  readonly reason: string;
  /** The last mark of this backup that is known: the new one counts as later, whatever the clock says. */
  readonly last: Mark | undefined;
}

export interface Marked {
  /** RFC 3339. */
  readonly time: string;
  /** Places that have it. */
  readonly places: readonly string[];
  /** Places that lack it, and why. It counts there all the same: every place's marks count everywhere. */
  readonly lacking: readonly { readonly place: string; readonly error: BackupError }[];
}

/**
 * Writes the mark to the repository and to every destination, whether or not it holds the backup.
 * @throws BackupError `config` without a signing key; what a place fails with where no place at all could be reached.
 */
export async function markBackup({ site, manifest, what, reason, last }: MarkRequest): Promise<Marked> {
  const signer = await siteSigner(site);
  const time = new Date(Math.max(Date.now(), last ? Date.parse(last.time) + 1 : 0)).toISOString();
  const unsigned: UnsignedMark = {
    schema: MARK_SCHEMA,
    site: site.config.site,
    backup: pinned(manifest),
    what,
    reason,
    host: site.host,
    time,
  };
  const key = evidenceKey(manifest.source, manifest.id, time, what);
  const written = await Promise.all(
    [null, ...Object.keys(site.config.destinations)].map(async (destination) => {
      const place = destination ?? LOCAL;
      try {
        await putSigned(await openPlace(site, destination), key, unsigned, signer);
        return { place, error: null };
      } catch (error) {
        if (!(error instanceof BackupError)) throw error;
        return { place, error };
      }
    }),
  );
  const lacking = written.flatMap(({ place, error }) => (error ? [{ place, error }] : []));
  const [first] = lacking;
  if (first && lacking.length === written.length) throw first.error;
  return { time, places: written.flatMap(({ place, error }) => (error ? [] : [place])), lacking };
}

async function openPlace(site: Site, destination: string | null): Promise<WritableStore> {
  if (destination !== null) return openDestination(destination, site);
  await prepareRepository(site);
  return openRepository(site);
}
