/** A site with a destination of cold storage on moto, a full and an incremental of some files in it. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SiteInput } from '../../model/config/site.ts';
import type { Moto } from './moto/index.ts';
import { backUp } from './rotated.ts';
import { makeSite, type TestSite } from './site.ts';
import { credentialFiles } from './versitygw.ts';

export interface ColdSite extends TestSite {
  readonly folder: string;
  /** What is backed up, as it was at the last backup. */
  readonly data: string;
  /** References: a full, and an incremental on it. */
  readonly references: readonly [string, string];
  readonly bucket: string;
}

let made = 0;

/** @param more of the config; `archive` is the cold destination, and `vault` a folder. */
export async function makeColdSite(folder: string, moto: Moto, more: Partial<SiteInput> = {}): Promise<ColdSite> {
  const data = path.join(folder, 'data');
  await mkdir(data, { recursive: true });
  await writeFile(path.join(data, 'first'), 'what was there first\n'.repeat(2_000));
  made += 1;
  const bucket = `cold-${process.pid}-${made}`;
  await moto.admin.createBucket({ Bucket: bucket });
  const site = await makeSite({
    folder,
    sources: { stack: { type: 'files', group: 'configs', paths: [data] } },
    destinations: {
      archive: {
        type: 's3',
        bucket,
        endpoint: moto.endpoint,
        credentials: await credentialFiles(folder),
        storageClass: 'DEEP_ARCHIVE',
        thaw: {
          interval: '100ms',
          prices: {
            asOf: '2026-11-26',
            speeds: {
              standard: { perGigabyte: 1024, perThousandRequests: 10 },
              bulk: { perGigabyte: 512, perThousandRequests: 1 },
            },
            transferPerGigabyte: 90,
          },
        },
      },
      vault: { type: 'directory', path: path.join(folder, 'vault') },
    },
    ...more,
  });
  const full = await backUp(site.site, '2026-11-21T02:00:00Z', ['archive']);
  await writeFile(path.join(data, 'second'), 'and what came later\n');
  const incremental = await backUp(site.site, '2026-11-22T02:00:00Z', ['archive']);
  return { ...site, folder, data, references: [full, incremental], bucket };
}
