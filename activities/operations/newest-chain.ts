/** Which chain the next backup of a source may build on. */
import { isAhead } from '../../model/clock.ts';
import { BackupError } from '../../model/errors.ts';
import { orderOf, type Manifest, type Warning } from '../../model/manifest.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { chainOf, listBackups, pinned, type Catalogued } from '../storage/catalogue.ts';
import { readEvidence } from '../storage/evidence-file.ts';
import { checkManifest, manifestVerdict } from '../storage/manifest-file.ts';
import { watchedRepository } from '../storage/repository.ts';
import { isImported } from './out-of-turn.ts';

export interface NewestChain {
  /** Full first; empty when there is none to build on. */
  readonly chain: readonly Manifest[];
  /** Why there is none although the source has backups. */
  readonly warnings: readonly Warning[];
  /** All fulls and incrementals of the source in the repository, of whichever chain. */
  readonly all: readonly Manifest[];
}

/**
 * The newest chain of a source in the repository. One that lacks a member, or has one that a check found damaged there or
 * that is of the future, counts as none: an incremental on it could not be restored, or not for long.
 */
export async function newestChain(site: Site, source: string): Promise<NewestChain> {
  const store = watchedRepository(site);
  const catalogue = (await listBackups(store, { logs: false })).filter(({ name }) => name.source === source);
  // The one that was sealed last, whatever time it was made for: what the source's state knows is of that one.
  const newest = catalogue
    .filter(({ manifest }) => !isImported(manifest))
    .toSorted((a, b) => orderOf(a.manifest) - orderOf(b.manifest))
    .at(-1);
  const all = catalogue.map(({ manifest }) => manifest);
  if (!newest) return { chain: [], warnings: [], all };
  try {
    const chain = chainOf(catalogue, newest);
    const trusted = await trustedKeys(site);
    requireNotRevoked(chain, trusted);
    await requireUndamaged(site, source, chain, trusted);
    requireOfNow(chain);
    return { chain: chain.map(({ manifest }) => manifest), warnings: [], all };
  } catch (error) {
    // A repository that went away meanwhile says nothing of the chain.
    if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
    const message = `the newest chain cannot be built upon, so this is a full: ${error.message}`;
    return { chain: [], warnings: [{ code: 'chain-broken', message, partial: false }], all };
  }
}

/** What a stolen key signed cannot be restored from, and neither can what is built on it. */
function requireNotRevoked(chain: readonly Catalogued[], trusted: readonly TrustedKey[]): void {
  for (const { manifest } of chain) {
    if (manifestVerdict(manifest, trusted) === 'revoked') checkManifest(manifest, trusted);
  }
}

/**
 * What a wrong clock has dated into the future is moved away by hand, or is taken for the newest once its day has come: nothing that is made
 * meanwhile may need it.
 */
function requireOfNow(chain: readonly Catalogued[]): void {
  const ahead = chain.find(({ manifest }) => isAhead(manifest.started, Date.now()));
  if (!ahead) return;
  throw new BackupError('refused', `${pinned(ahead.manifest).reference} is of the future by our clock`);
}

/** What the last check of each member in the repository found. */
async function requireUndamaged(
  site: Site,
  source: string,
  chain: readonly Catalogued[],
  trusted: readonly TrustedKey[],
): Promise<void> {
  const evidence = await readEvidence(watchedRepository(site), trusted, source);
  for (const { manifest } of chain) {
    const { reference, sha256 } = pinned(manifest);
    const last = evidence.findLast(({ backup, destination }) => backup.sha256 === sha256 && destination === null);
    if (last?.verdict === 'failed') {
      throw new BackupError('verification-failed', `${reference} was found damaged at ${last.time}`);
    }
  }
}
