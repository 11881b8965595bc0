/** How the kit tells to fetch a backup from each type of destination, with programs that every distribution has. */
import type { DestinationConfig } from '../../model/config/destination.ts';
import type { GlacierDestination } from '../../model/config/destinations/glacier.ts';
import { freezes } from '../../model/config/destinations/thaw.ts';
import type { RsyncDestination } from '../../model/config/destinations/rsync.ts';
import type { S3Destination } from '../../model/config/destinations/s3.ts';
import { VAULTS } from '../../model/paths.ts';
import { shellWord } from '../../model/shell.ts';

/**
 * @param name of the destination.
 * FOLDER in it is the folder of a backup, as in `daily/postgres/20261123T020000Z-full`.
 */
export function fetchCommand(name: string, config: DestinationConfig): string {
  if (config.type === 's3') return fromS3(config);
  if (config.type === 'glacier') return fromVault(name, config);
  if (config.type === 'rsync') return byRsync(config);
  return `mkdir -p backup && cp -r ${shellWord(config.path)}/FOLDER/. backup/`;
}

/** What to add to that command where somebody has overwritten or hidden what is there; null where nothing helps. */
export function fetchOlder({ type }: DestinationConfig): string | null {
  if (type !== 's3') return null;
  return '--s3-versions: what was there before comes beside it, as NAME-vTIME.json; give the right one its name';
}

/** With the key that the operator tells of in `access`; the key of the server is asked about on the first connection. */
function byRsync({ target, port }: RsyncDestination): string {
  const shell = `ssh -i KEY${port === 22 ? '' : ` -p ${port}`}`;
  const from = target.endsWith(':') || target.endsWith('/') ? `${target}FOLDER/` : `${target}/FOLDER/`;
  return `rsync -rt -e ${shellWord(shell)} ${shellWord(from)} backup/`;
}

/** Credentials that read come from the environment: they stand in the kit only where the operator has put them there. */
function fromS3(config: S3Destination): string {
  const { bucket, prefix, endpoint, region, pathStyle, ca } = config;
  const options = [
    '--s3-env-auth',
    `--s3-provider=${endpoint === undefined ? 'AWS' : 'Other'}`,
    ...(endpoint === undefined ? [] : [`--s3-endpoint=${shellWord(endpoint)}`]),
    ...(region === undefined ? [] : [`--s3-region=${shellWord(region)}`]),
    ...(pathStyle === undefined ? [] : [`--s3-force-path-style=${pathStyle}`]),
    ...(ca === undefined ? [] : [`--ca-cert=${shellWord(ca)}`]),
  ];
  const from = `:s3:${[bucket, ...(prefix === undefined ? [] : [prefix])].join('/')}/FOLDER`;
  const rclone = (what: string) =>
    `AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… rclone ${what} ${options.join(' ')} ${shellWord(from)}`;
  const copy = `${rclone('copy')} backup/`;
  if (!freezes(config)) return copy;
  return `it lies frozen: ask for it first, which costs money,
         ${rclone('backend restore')} -o priority=Standard -o lifetime=7
         and up to 12 hours later fetch it:
         ${copy}`;
}

/** Archives have numbers alone, which stand in their records; each is asked for, and hours later there for a day. */
function fromVault(name: string, { vault, account, region, endpoint, manifests }: GlacierDestination): string {
  const options = [
    `--account-id ${account}`,
    `--vault-name ${shellWord(vault)}`,
    ...(region === undefined ? [] : [`--region ${shellWord(region)}`]),
    ...(endpoint === undefined ? [] : [`--endpoint-url ${shellWord(endpoint)}`]),
  ].join(' ');
  return `first ${VAULTS}/${name}/FOLDER from "${manifests}"; then for each of its folders ARTIFACT.archive, with the archiveId of the newest file in it, whose sha256 is the one of ARTIFACT in manifest.json, as ID (none that has a .gone.json beside it):
         aws glacier initiate-job ${options} --job-parameters '{"Type":"archive-retrieval","ArchiveId":"ID"}'
         some hours later, within a day, with the jobId that it printed as JOB:
         aws glacier get-job-output ${options} --job-id JOB backup/ARTIFACT`;
}
