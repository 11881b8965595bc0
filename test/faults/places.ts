/** The places of a trial's site, as the product reads them and as they are on their own side: with what the product hides, or never sees. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { paginateListObjectsV2, S3 } from '@aws-sdk/client-s3';
import { openDestination } from '../../activities/storage/destinations.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { WritableStore } from '../../activities/storage/types.ts';
import type { Site } from '../../activities/site.ts';
import { targetOf } from '../../model/config/destinations/rsync.ts';
import type { S3Destination } from '../../model/config/destinations/s3.ts';
import { LATEST } from '../../model/paths.ts';
import type { Trial } from './trial.ts';

export interface PlaceOf {
  /** `repository`, or the destination's name. */
  readonly place: string;
  readonly store: WritableStore;
  /** Keys of all that lies there under a name, whether or not it belongs to a backup. */
  readonly named: () => Promise<readonly string[]>;
  /** What was begun there and not ended, which no listing shows: staging, parts, unfinished uploads. */
  readonly begun: () => Promise<readonly string[]>;
}

/** The repository and every destination of the config. */
export async function placesOf(trial: Trial): Promise<readonly PlaceOf[]> {
  const site = await trial.site();
  return [
    { place: 'repository', store: repositoryStore(trial.repository), ...folderAt(trial.repository) },
    ...Object.keys(site.config.destinations).map((place) => {
      const { named, begun } = sideOf(place, site);
      return { place, store: openDestination(place, site), named, begun };
    }),
  ];
}

type Side = Pick<PlaceOf, 'named' | 'begun'>;

/** By other means than the product's own: a server of these tests keeps its files on this machine. */
function sideOf(place: string, site: Site): Side {
  const config = site.config.destinations[place];
  if (config?.type === 'directory') return folderAt(config.path);
  if (config?.type === 'rsync') return folderAt(targetOf(config.target).root);
  if (config?.type === 's3') return bucketAt(config, site);
  throw new TypeError(`nobody has said how ${place} is looked at from its own side`);
}

function folderAt(root: string): Side {
  async function entries(): Promise<readonly Dirent[]> {
    return readdir(root, { recursive: true, withFileTypes: true }).catch(absent);
  }
  const nameOf = ({ parentPath, name }: Dirent) => path.relative(root, path.join(parentPath, name));
  return {
    named: async () => {
      const files = (await entries()).filter((entry) => !entry.isDirectory()).map(nameOf);
      return files.filter((file) => !isHidden(file) && path.basename(file) !== LATEST);
    },
    begun: async () => {
      // At the root itself lie the marker of the place, and the folders for what is begun.
      return (await entries()).map(nameOf).filter((name) => isHidden(name) && name.includes('/'));
    },
  };
}

function isHidden(file: string): boolean {
  return file.split('/').some((part) => part.startsWith('.'));
}

/** A place that was never written to is empty. What is deleted while it is walked is no entry. */
function absent(error: unknown): [] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
  throw error;
}

function bucketAt({ bucket, endpoint, credentials }: S3Destination, site: Site): Side {
  async function asked<Answer>(ask: (s3: S3) => Promise<Answer>): Promise<Answer> {
    if (endpoint === undefined || credentials === undefined) throw new TypeError('tests have buckets of their own');
    const [accessKeyId, secretAccessKey] = await Promise.all([
      site.readSecret(credentials.accessKeyId),
      site.readSecret(credentials.secretAccessKey),
    ]);
    const s3 = new S3({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    try {
      return await ask(s3);
    } finally {
      s3.destroy();
    }
  }
  return {
    named: () =>
      asked(async (s3) => {
        const keys: string[] = [];
        for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket }))
          keys.push(...Contents.map(({ Key = '' }) => Key));
        return keys;
      }),
    begun: () =>
      asked(async (s3) => {
        const { Uploads = [], IsTruncated } = await s3.listMultipartUploads({ Bucket: bucket });
        if (IsTruncated) throw new Error(`${bucket} has more unfinished uploads than one page`);
        const left: string[] = [];
        for (const { Key, UploadId } of Uploads) {
          const { Parts = [] } = await s3.listParts({ Bucket: bucket, Key, UploadId });
          // Whoever dies before the answer to its beginning knows of none: it holds nothing, and is swept when it is days old.
          if (Parts.length > 0) left.push(`an unfinished upload of ${Key}`);
        }
        return left;
      }),
  };
}
