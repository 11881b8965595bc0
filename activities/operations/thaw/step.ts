/** One look of a thaw: chooses what it is about from the manifests anew, asks for what is frozen, and counts. Done again it asks for nothing twice. */
import { BackupError } from '../../../model/errors.ts';
import { orderOf } from '../../../model/manifest.ts';
import type { ThawFacts, ThawInput } from '../../../model/thaw.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { chainOf, listBackups, type Catalogued } from '../../storage/catalogue.ts';
import { backupIn, chainAt } from '../../storage/chain-at.ts';
import { openDestination } from '../../storage/destinations.ts';
import { underLease } from '../../storage/under-lease.ts';
import { checkManifest, manifestDigest } from '../../storage/manifest-file.ts';
import type { Store, Thawing } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { planOwn } from '../recovery.ts';
import { askFor, objectsToThaw } from './objects.ts';

export interface ThawStep {
  readonly site: Site;
  readonly input: ThawInput;
  readonly work: Work;
}

/** Milliseconds to wait for another look at the same place: the next one is as good. */
const BUSY = 600_000;

/** @throws BackupError `config`, `usage` (nothing freezes there), `not-found`, `not-authentic`, `conflict`, `refused`, `unreachable`, `access-denied`, `busy`. */
export async function thawStep({ site, input, work }: ThawStep): Promise<ThawFacts> {
  if (input.site !== site.config.site) {
    throw new BackupError('config', `this worker serves the site "${site.config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${site.file}.`,
    });
  }
  const store = openDestination(input.destination, site);
  const { chain, logs } = await chosen(store, input, await trustedKeys(site));
  const thawing = requireThawing(store, input.destination);
  await requireAuthentic(site, [...chain, ...logs]);
  // Backups share what they build on: two looks at once would both see it frozen, and a vault brings it as often as it is asked for.
  const name = `${input.destination}~thaw`;
  const { state } = site;
  return underLease({ state, name, step: 'thaw', attempt: 1, wait: BUSY, signal: work.signal }, () =>
    askFor(thawing, objectsToThaw(chain, logs), input, work),
  );
}

/** What a restore would refuse is not paid for. @throws BackupError `not-authentic`. */
export async function requireAuthentic(site: Site, backups: readonly Catalogued[]): Promise<void> {
  const trusted = await trustedKeys(site);
  for (const { manifest } of backups) checkManifest(manifest, trusted);
}

/** @throws BackupError `usage` where everything can be read at once. */
export function requireThawing({ thawing }: Store, destination: string): Thawing {
  if (thawing) return thawing;
  throw new BackupError('usage', `Nothing freezes at ${destination}: all of it can be read at once.`, {
    remedy: `Restore from it: mosaic-backup restore … --from ${destination}. Where a rule of the bucket itself freezes objects, set destinations.${destination}.thaw: {}.`,
    facts: { destination },
  });
}

interface Chosen {
  readonly chain: readonly Catalogued[];
  readonly logs: readonly Catalogued[];
}

async function chosen(
  store: Store,
  { backup, folder, target, asOf }: ThawInput,
  trusted: readonly TrustedKey[],
): Promise<Chosen> {
  const base = await backupIn(store, folder);
  if (base === undefined || manifestDigest(base.manifest) !== backup.sha256) throw another(backup.reference, base);
  if (target === null) return { chain: chainOf(await chainAt(store, base), base), logs: [] };
  const { source } = base.manifest;
  const catalogue = (await listBackups(store)).filter(
    ({ manifest }) => manifest.source === source && (asOf === null || orderOf(manifest) <= asOf),
  );
  const from = catalogue.find((entry) => entry.folder === folder);
  if (from === undefined) throw another(backup.reference, from);
  return planOwn({ catalogue, source, target, from }, trusted);
}

function another(reference: string, found: Catalogued | undefined): BackupError {
  if (found === undefined)
    return new BackupError('not-found', `${reference} is not there any more.`, {
      remedy: 'See `mosaic-backup list` for what there is.',
      facts: { reference },
    });
  return new BackupError('conflict', `What bears the name ${reference} there now is another backup than was meant.`, {
    remedy: 'See with `mosaic-backup verify` what it is, and who has put it there.',
    facts: { reference },
  });
}
