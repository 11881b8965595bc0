/** `restore --dry-run`. */
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';

/** What can be known beforehand: the target is free, there is room, and an identity opens each key. Returns the free bytes. */
export async function rehearse(site: Site, chain: readonly Catalogued[], to: string, plain: number): Promise<number> {
  const [
    { readdir },
    { freeSpace, requireSpace },
    { ifThere },
    { unwrapIdentity },
    { siteIdentity, trustedKeys },
    { checkManifest },
    { BackupError },
    { requireFreeTarget },
  ] = await Promise.all([
    import('node:fs/promises'),
    import('../../../activities/storage/space.ts'),
    import('../../../activities/storage/fs-errors.ts'),
    import('../../../activities/keys/identity.ts'),
    import('../../../activities/keys/site-keys.ts'),
    import('../../../activities/storage/manifest-file.ts'),
    import('../../../model/errors.ts'),
    import('../../../activities/operations/restore-target.ts'),
  ]);
  const source = chain.at(-1)?.manifest.source;
  if (source !== undefined) await requireFreeTarget(site, source, to);
  if (((await ifThere(readdir(to))) ?? []).length > 0) {
    throw new BackupError('not-empty', `${to} is not empty.`, { remedy: 'Choose an empty or new folder.' });
  }
  await requireSpace({ path: to, needed: plain });
  const [trusted, identities] = await Promise.all([trustedKeys(site), siteIdentity(site)]);
  for (const { manifest } of chain) {
    checkManifest(manifest, trusted);
    await unwrapIdentity(manifest.key, identities);
  }
  return freeSpace(to);
}
