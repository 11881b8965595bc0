/** A repository of very many backups, of which only manifests and evidence are there: all that listing reads. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import type { Signer } from '../../../activities/keys/signing.ts';
import type { Site } from '../../../activities/site.ts';
import { pinned, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { signEvidence } from '../../../activities/storage/evidence-file.ts';
import { inParallel } from '../../../activities/storage/parallel.ts';
import { encodeManifest } from '../../../activities/storage/manifest-file.ts';
import { EVIDENCE_SCHEMA } from '../../../model/evidence.ts';
import { evidenceKey } from '../../../model/paths.ts';
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
      await writeVerified(site, backup, signer);
      ({ manifest: parent } = backup);
    }
  });
}

/** As its run's verification left it. */
async function writeVerified(site: Site, { name, manifest }: Catalogued, signer: Signer): Promise<void> {
  const record = signEvidence(
    {
      schema: EVIDENCE_SCHEMA,
      site: site.config.site,
      backup: pinned(manifest),
      destination: null,
      what: 'verify',
      time: manifest.finished.replace('Z', '.000Z'),
      checks: ['manifest', 'folder', 'signature', 'base.tar.zst.age', 'key.age', 'key', 'nothing else', 'parents'].map(
        (check) => ({ name: check, compared: true, ok: true, detail: 'as it was captured, to the last byte' }),
      ),
      verdict: 'ok',
    },
    signer,
  );
  const file = path.join(site.repository, evidenceKey(name.source, name.id, record.time, record.what));
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
}
