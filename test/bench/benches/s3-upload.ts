/** The upload of one large artifact to S3. */
import path from 'node:path';
import { formatBytes } from '../../../model/units.ts';
import { stopGateways } from '../../support/versitygw.ts';
import { measure } from '../measure.ts';
import { ourUpload, uploadPeers } from '../peers/s3.ts';
import { shellContender } from '../peers/shell.ts';
import { bucketContext, bucketEnvironment, startBucket } from '../place/bucket.ts';
import type { Series } from '../result.ts';
import { plainSeries, resultOf } from './result-of.ts';
import { warm } from './settle.ts';
import type { Bench } from './types.ts';

const KEY = 'daily/data/20200101T000000Z-full/base.tar.zst.age';
const MB = 1e6;
/** On top of the parts under way. */
const MEMORY_MB = 50;

export const s3Upload: Bench = {
  name: 's3-upload',
  async run({ data, work, rounds, signal, say }) {
    const { file, stored } = await data.artifact();
    const { part } = data.scale.artifact;
    const growth: number[] = [];
    try {
      const bucket = await startBucket(path.join(work, 'gateway'));
      const state = path.join(work, 'state');
      const { lanes, ...context } = bucketContext({ endpoint: bucket.gateway.endpoint, part, state });
      const parts = { part, lanes };
      const env = {
        ...(await bucketEnvironment(bucket)),
        FILE: file,
        KEY,
        OBJECT: path.join(bucket.root, KEY),
        SHA256: stored.sha256,
      };
      const folder = path.join(work, 'runs');
      const onReport = ({ base, peak }: { readonly base: number; readonly peak: number }) =>
        void growth.push((peak - base) / MB);
      const upload = { context, key: KEY, file, stored, parts, folder: path.join(folder, 'ours'), env, signal };
      const series = await measure({
        contenders: [
          ourUpload({ ...upload, onReport }),
          ...uploadPeers(parts).map((peer) => shellContender(peer, { folder, env, signal })),
        ],
        goals: { rclone: 1 },
        rounds,
        settle: warm(path.dirname(file), signal),
        say,
        signal,
      });
      const title = `Upload of ${formatBytes(stored.bytes)} to versitygw on loopback`;
      const goal = (part * lanes) / MB + MEMORY_MB;
      return [
        resultOf(
          series.map((each) => withStored(each, stored.bytes)),
          { name: 's3-upload', title, unit: 's', notes: [NOTE] },
        ),
        resultOf([plainSeries({ name: 'growth', settings: MEMORY, runs: growth, goal })], {
          name: 's3-upload-memory',
          title: `${title}: peak memory of the worker above what it had before`,
          unit: 'MB',
          notes: [`The goal is ${MEMORY_MB} MB on top of ${lanes} parts of ${formatBytes(part)}.`],
        }),
      ];
    } finally {
      await stopGateways();
    }
  },
};

/** What peers store lies in the bucket, and is the same. */
function withStored(series: Series, stored: number): Series {
  return { ...series, stored };
}

const MEMORY = "the process's peak by the kernel, less its resident set before; it had uploaded a small object by then";
const NOTE =
  'Before each run earlier output was synced, and the file was read once. All have the same server, on the same file system, and the same parts; s3cmd sends one after the other. Of each, the object was compared with the file by its SHA-256.';
