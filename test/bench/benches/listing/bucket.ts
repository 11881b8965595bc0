/** The backups of a repository, moved into a bucket: written one by one through the server they would take hours. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { SiteInput } from '../../../../model/config/site.ts';
import { credentialFiles } from '../../../support/versitygw.ts';
import type { TestSite } from '../../../support/site.ts';
import { BUCKET, startBucket } from '../../place/bucket.ts';
import { shell } from '../../shell.ts';

/** As versitygw keeps an object's tag: in an attribute of its file. */
const TAG =
  'find . -type f -print0 | xargs -0 md5sum | awk \'{ print "# file: " substr($0, 35); print "user.etag=\\"\\\\\\"" $1 "\\\\\\"\\""; print "" }\' | setfattr --restore=-';

/** Returns a config whose one destination, `remote`, is the bucket, and whose repository is empty. `stopGateways` ends the server. */
export async function moveToBucket({ site, file }: TestSite, work: string, signal: AbortSignal): Promise<string> {
  const { gateway, root } = await startBucket(path.join(work, 'gateway'));
  const env = { REPOSITORY: site.repository, ROOT: root };
  await shell(`mv "$REPOSITORY"/* "$ROOT"; cd "$ROOT"; ${TAG}`, { env, signal });
  const folder = path.join(work, 'remote');
  await mkdir(folder);
  // Written by `makeSite`.
  const config = parse(await readFile(file, 'utf8')) as SiteInput;
  const moved: SiteInput = {
    ...config,
    repository: path.join(folder, 'repository'),
    state: path.join(folder, 'state'),
    destinations: {
      remote: {
        type: 's3',
        bucket: BUCKET,
        endpoint: gateway.endpoint,
        credentials: await credentialFiles(folder),
        prune: true,
      },
    },
  };
  await mkdir(moved.repository, { mode: 0o700 });
  const other = path.join(folder, 'config.yaml');
  await writeFile(other, stringify(moved));
  return other;
}
