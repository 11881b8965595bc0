/** A repository of very many backups, of which only the manifests are there: all that listing reads. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import type { Site } from '../../../activities/site.ts';
import { inParallel } from '../../../activities/storage/parallel.ts';
import { encodeManifest } from '../../../activities/storage/manifest-file.ts';
import { testBackup } from '../../support/backups.ts';

/** Sources among which they are spread; each has one backup an hour. */
export const SOURCES = 50;
const PARALLEL = 32;
const FIRST = Date.UTC(2020, 0, 1);

/** Fulls with six incrementals each, signed by the site's own key. */
export async function writeManifests(site: Site, count: number): Promise<void> {
  const signer = await siteSigner(site);
  // As two recipients make it: some 800 bytes.
  const key = `-----BEGIN AGE ENCRYPTED FILE-----\n${`${'k'.repeat(64)}\n`.repeat(11)}-----END AGE ENCRYPTED FILE-----\n`;
  const sources = Array.from({ length: SOURCES }, (_, index) => `source-${index}`);
  await inParallel(sources, PARALLEL, async (source) => {
    let parent: ReturnType<typeof testBackup>['manifest'] | undefined;
    for (let hour = 0; hour < count / SOURCES; hour++) {
      const scheduled = `${new Date(FIRST + hour * 3_600_000).toISOString().slice(0, 19)}Z`;
      const backup = testBackup({
        source,
        scheduled,
        signer,
        fields: { key, host: site.host },
        ...(hour % 7 > 0 && parent && { parent }),
      });
      const folder = path.join(site.repository, backup.folder);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(path.join(folder, 'manifest.json'), encodeManifest(backup.manifest), { mode: 0o600 });
      ({ manifest: parent } = backup);
    }
  });
}
