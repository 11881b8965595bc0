/** A site with a destination of cold storage on moto, and backups of files in it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import assert from 'node:assert/strict';
import path from 'node:path';
import { captureBackup } from '../../activities/operations/capture.ts';
import { copyToDestination } from '../../activities/operations/copy-to.ts';
import type { SiteInput } from '../../model/config/site.ts';
import type { Moto } from './moto/index.ts';
import { makeSite, type TestSite } from './site.ts';
import { credentialFiles } from './versitygw.ts';
import { testWork } from './work.ts';

export interface ColdSite extends TestSite {
  readonly folder: string;
  readonly bucket: string;
  /** Of a source: a full, and an incremental on it. */
  references(source: string): readonly [full: string, incremental: string];
  /** That what was restored of a source is what was there at its incremental. */
  assertRestored(source: string, to: string): Promise<void>;
}

const DAYS = ['20261121T020000Z-full', '20261122T020000Z-incremental'] as const;
let made = 0;

/** @param more of the config; `archive` is the cold destination, and `vault` a folder. */
export async function makeColdSite(
  { folder, moto, sources = ['stack'], endpoint = moto.endpoint, interval = '100ms' }: ColdOptions,
  more: Partial<SiteInput> = {},
): Promise<ColdSite> {
  made += 1;
  const bucket = `cold-${process.pid}-${made}`;
  await moto.admin.createBucket({ Bucket: bucket });
  const data = (source: string) => path.join(folder, 'data', source);
  for (const source of sources) {
    await mkdir(data(source), { recursive: true });
    await writeFile(path.join(data(source), 'first'), `what was there first of ${source}\n`.repeat(2_000));
  }
  const site = await makeSite({
    folder,
    sources: Object.fromEntries(
      sources.map((source) => [source, { type: 'files', group: 'configs', paths: [data(source)] }]),
    ),
    destinations: {
      archive: {
        type: 's3',
        bucket,
        endpoint,
        credentials: await credentialFiles(folder),
        storageClass: 'DEEP_ARCHIVE',
        thaw: {
          interval,
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
  for (const source of sources) {
    await backUp(site, source, '2026-11-21T02:00:00Z');
    await writeFile(path.join(data(source), 'second'), 'and what came later\n');
    await backUp(site, source, '2026-11-22T02:00:00Z');
  }
  return {
    ...site,
    folder,
    bucket,
    references: (source) => [`daily/${source}/${DAYS[0]}`, `daily/${source}/${DAYS[1]}`],
    async assertRestored(source, to) {
      for (const name of ['first', 'second']) {
        const file = path.join(data(source), name);
        assert.equal(await readFile(path.join(to, file), 'utf8'), await readFile(file, 'utf8'));
      }
    },
  };
}

export interface ColdOptions {
  readonly folder: string;
  readonly moto: Moto;
  /** Names of the sources; `stack` alone when absent. */
  readonly sources?: readonly string[];
  /** How the site reaches moto; straight when absent. */
  readonly endpoint?: string;
  /** Between two looks of a wait. */
  readonly interval?: string;
}

async function backUp({ site }: TestSite, source: string, scheduled: string): Promise<void> {
  const run = { site, source, tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
  const { backup } = await captureBackup({ ...run, attempt: 1, busy: 0, work: testWork() });
  assert.match(backup.reference, new RegExp(scheduled.startsWith('2026-11-21') ? DAYS[0] : DAYS[1]));
  await copyToDestination({ site, backup, destination: 'archive', work: testWork() });
}
