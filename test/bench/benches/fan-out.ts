/** The copies of one backup to three destinations at once, as a run makes them, against each of them alone. */
import { link, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import type { Site } from '../../../activities/site.ts';
import { pinned, type Catalogued } from '../../../activities/storage/catalogue.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { formatBytes } from '../../../model/units.ts';
import { fillFolder, testBackup } from '../../support/backups.ts';
import { cleanUp } from '../../support/folders.ts';
import { startSshd, type Sshd } from '../../support/rsync/sshd.ts';
import { makeSite } from '../../support/site.ts';
import { credentialFiles, stopGateways } from '../../support/versitygw.ts';
import { testWork } from '../../support/work.ts';
import type { ArtifactFile } from '../data/index.ts';
import { measure } from '../measure.ts';
import type { Contender } from '../peers/types.ts';
import { BUCKET, startBucket, type BenchBucket } from '../place/bucket.ts';
import type { Series } from '../result.ts';
import { shell } from '../shell.ts';
import { median } from '../statistics.ts';
import { resultOf } from './result-of.ts';
import { warm } from './settle.ts';
import type { Bench } from './types.ts';

const GOAL = 1.5;
const NAMES = ['directory', 's3', 'rsync'] as const;
type Name = (typeof NAMES)[number];

export const fanOut: Bench = {
  name: 'fan-out',
  async run({ data, work, rounds, signal, say }) {
    const artifact = await data.copied();
    const places = await startPlaces(work);
    try {
      const options = { folder: path.join(work, 'runs'), artifact, places, signal };
      const series = await measure({
        contenders: [copies('all at once', NAMES, options), ...NAMES.map((name) => copies(name, [name], options))],
        goals: {},
        rounds,
        settle: warm(path.dirname(artifact.file), signal),
        say,
        signal,
      });
      const [, ...alone] = series;
      const slowest = alone.toSorted((one, two) => median(two.runs) - median(one.runs))[0];
      return [
        resultOf(
          series.map((each) => judged(each, slowest)),
          {
            name: 'fan-out',
            title: `Copies of a backup of ${formatBytes(artifact.stored.bytes)} to three destinations`,
            unit: 's',
            notes: [NOTE],
          },
        ),
      ];
    } finally {
      await places.sshd.stop();
      await stopGateways();
      await cleanUp();
    }
  },
};

/** Only the slowest is what all at once are measured against. Memory is not looked at. */
function judged(series: Series, slowest: Series | undefined): Series {
  return { ...series, goal: series === slowest ? GOAL : null, worker: null, programs: null };
}

const NOTE =
  'The servers run on this machine, and all copies lie on one disk: what they cost there is a part of it. The goal is against the slowest alone. Before each run earlier output was synced, and the artifact was read once.';

interface Places {
  readonly bucket: BenchBucket;
  readonly sshd: Sshd;
  readonly key: string;
}

async function startPlaces(work: string): Promise<Places> {
  const bucket = await startBucket(path.join(work, 'gateway'));
  const sshd = await startSshd();
  return { bucket, sshd, key: (await sshd.addKey()).file };
}

interface CopiesOptions {
  readonly folder: string;
  readonly artifact: ArtifactFile;
  readonly places: Places;
  readonly signal: AbortSignal;
}

/** Copies to some of them, each time of a site that knows nothing yet. */
function copies(name: string, to: readonly Name[], { folder, artifact, places, signal }: CopiesOptions): Contender {
  const own = path.join(folder, name.replaceAll(' ', '-'));
  const roots = {
    directory: path.join(own, 'directory'),
    s3: places.bucket.root,
    rsync: path.join(own, 'rsync'),
  };
  let made: { readonly site: Site; readonly backup: Catalogued } | undefined;
  return {
    name,
    settings: `copyToDestination to ${to.join(', ')}, in one process; from the repository's catalogue to the confirmed copy`,
    async prepare() {
      await mkdir(roots.rsync, { recursive: true, mode: 0o700 });
      const all = await destinations(own, roots, places);
      const { site } = await makeSite({
        folder: own,
        sources: { data: { type: 'files', paths: [path.join(own, 'data')], group: 'configs' } },
        destinations: Object.fromEntries(to.map((each) => [each, all[each]])),
      });
      made = { site, backup: await writeArtifact(site, artifact) };
    },
    async run() {
      if (!made) throw new TypeError('not prepared');
      const { site, backup } = made;
      const began = performance.now();
      await Promise.all(
        to.map((destination) =>
          copyToDestination({
            site,
            backup: pinned(backup.manifest),
            destination,
            tier: 'daily',
            work: { ...testWork(), signal },
          }),
        ),
      );
      const seconds = (performance.now() - began) / 1000;
      return { seconds, stored: artifact.stored.bytes * to.length, worker: null, programs: 0 };
    },
    async check() {
      if (!made) throw new TypeError('not prepared');
      const { folder: below } = made.backup;
      for (const each of to) {
        const env = { SHA256: artifact.stored.sha256, COPY: path.join(roots[each], below) };
        const whole =
          'echo "$SHA256  $COPY/base.tar.zst.age" | sha256sum --check --status; test -f "$COPY/manifest.json"';
        await shell(whole, { env, signal });
      }
    },
    async clear() {
      await shell('find "$BUCKET" -mindepth 1 -delete', { env: { BUCKET: roots.s3 }, signal });
      await rm(own, { recursive: true, force: true });
    },
  };
}

async function destinations(
  folder: string,
  roots: Readonly<Record<Name, string>>,
  { bucket, sshd, key }: Places,
): Promise<Readonly<Record<Name, NonNullable<SiteInput['destinations']>[string]>>> {
  return {
    directory: { type: 'directory', path: roots.directory },
    s3: {
      type: 's3',
      bucket: BUCKET,
      endpoint: bucket.gateway.endpoint,
      credentials: await credentialFiles(folder),
    },
    rsync: {
      type: 'rsync',
      target: `${sshd.user}@127.0.0.1:${roots.rsync}`,
      port: sshd.port,
      key: { file: key },
      hostKey: sshd.hostKey,
    },
  };
}

/** A sealed backup in the repository whose artifact is the data's very file. */
async function writeArtifact(site: Site, { file, stored }: ArtifactFile): Promise<Catalogued> {
  const name = path.basename(file);
  const backup = testBackup({
    source: 'data',
    group: 'configs',
    signer: await siteSigner(site),
    fields: { host: site.host, artifacts: [{ role: 'base', name, ...stored, plainBytes: stored.bytes }] },
  });
  const folder = path.join(site.repository, backup.folder);
  await fillFolder(folder, backup.manifest, {});
  await link(file, path.join(folder, name));
  return backup;
}
