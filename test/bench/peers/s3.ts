/** Upload of one large file to S3: by a destination's `put`, and by programs that people use for it. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Stored } from '../../../activities/storage/types.ts';
import { formatBytes } from '../../../model/units.ts';
import type { PlaceContext } from '../../activities/storage/destination-of.ts';
import { endChildren, type Child } from '../../support/children.ts';
import { putNow, startPutProcess, type PutReport } from '../place/put-process.ts';
import { shell } from '../shell.ts';
import { OURS } from './ours.ts';
import type { Peer } from './shell.ts';
import type { Contender } from './types.ts';

const MEBIBYTE = 2 ** 20;

/** The object's file, where the server keeps it. */
export const HAS_OBJECT = 'echo "$SHA256  $OBJECT" | sha256sum --check --status';
const DELETE = 'rm -f "$OBJECT"';

export interface Parts {
  readonly part: number;
  readonly lanes: number;
}

export function uploadPeers({ part, lanes }: Parts): readonly Peer[] {
  const size = part / MEBIBYTE;
  return [
    {
      name: 'rclone',
      command: `RCLONE_CONFIG="$WORK/none" RCLONE_S3_PROVIDER=Other RCLONE_S3_ENDPOINT="http://$ADDRESS" RCLONE_S3_ACCESS_KEY_ID="$ACCESS_KEY" RCLONE_S3_SECRET_ACCESS_KEY="$SECRET_KEY" rclone copyto --s3-chunk-size ${size}Mi --s3-upload-cutoff ${size}Mi --s3-upload-concurrency ${lanes} "$FILE" ":s3:$BUCKET/$KEY"`,
      check: HAS_OBJECT,
      undo: DELETE,
    },
    {
      name: 's3cmd',
      most: 2,
      before:
        'umask 077; printf "[default]\\naccess_key = %s\\nsecret_key = %s\\nhost_base = %s\\nhost_bucket = %s\\nuse_https = False\\n" "$ACCESS_KEY" "$SECRET_KEY" "$ADDRESS" "$ADDRESS" > "$WORK/s3cfg"',
      // It sends one part after the other: there is no option for more.
      command: `s3cmd --config="$WORK/s3cfg" --quiet --no-progress --multipart-chunk-size-mb=${size} put "$FILE" "s3://$BUCKET/$KEY"`,
      check: HAS_OBJECT,
      undo: DELETE,
    },
  ];
}

export interface OurUploadOptions {
  readonly context: PlaceContext;
  readonly key: string;
  readonly file: string;
  readonly stored: Stored;
  readonly parts: Parts;
  /** A folder that need not exist. */
  readonly folder: string;
  /** With `OBJECT` and `SHA256`. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onReport: (report: PutReport) => void;
}

export function ourUpload({ context, key, file, stored, parts, folder, ...rest }: OurUploadOptions): Contender {
  let child: Child | undefined;
  return {
    name: OURS,
    settings: `a destination's put with the shipped defaults, ${parts.lanes} parts of ${formatBytes(parts.part)} at once, from the first byte that is read to the confirmed copy; in a fresh worker-like process`,
    async prepare() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      child = await startPutProcess({ context, key, file, stored, small: path.join(folder, 'small') });
    },
    async run() {
      if (!child) throw new TypeError('not prepared');
      const report = await putNow(child);
      rest.onReport(report);
      return { seconds: report.seconds, stored: stored.bytes, worker: report.peak, programs: 0 };
    },
    async check() {
      await shell(HAS_OBJECT, rest);
    },
    async clear() {
      await endChildren();
      await shell(DELETE, rest);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
