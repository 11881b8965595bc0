/** An upload whose process is killed on the way: what the next one sends again. */
import path from 'node:path';
import { formatBytes } from '../../../model/units.ts';
import { destinationOf } from '../../activities/storage/destination-of.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { openProxy } from '../../support/proxy.ts';
import { stopGateways } from '../../support/versitygw.ts';
import { testWork } from '../../support/work.ts';
import { HAS_OBJECT } from '../peers/s3.ts';
import { bucketContext, startBucket } from '../place/bucket.ts';
import type { Result } from '../result.ts';
import { shell } from '../shell.ts';
import { plainSeries, resultOf } from './result-of.ts';
import type { Bench } from './types.ts';

const PUT_CHILD = new URL('../../activities/storage/put-child.ts', import.meta.url);
const KEY = 'daily/data/20200101T000000Z-full/base.tar.zst.age';
const PERCENTS = [10, 50, 90] as const;
const MB = 1e6;
/** They differ by what was under way in that moment: more of them tell little. */
const ENOUGH = 2;

export const s3Resume: Bench = {
  name: 's3-resume',
  async run({ data, work, rounds, signal, say }) {
    const { file, stored } = await data.artifact();
    const { part } = data.scale.artifact;
    try {
      const { gateway, root } = await startBucket(path.join(work, 'gateway'));
      const proxy = await openProxy(gateway.address);
      const env = { OBJECT: path.join(root, KEY), SHA256: stored.sha256 };
      const place = { endpoint: `http://${proxy.address}`, part, state: path.join(work, 'state') };
      const { lanes, ...context } = bucketContext(place);

      async function sentTwice(percent: number): Promise<number> {
        const before = proxy.sent();
        const stopAt = (stored.bytes * percent) / 100;
        const child = startChild(PUT_CHILD, { context, key: KEY, file, expected: stored, stopAt });
        await child.stopped();
        await child.signal('SIGKILL');
        await destinationOf(context).put(KEY, file, stored, { ...testWork(), signal });
        const again = proxy.sent() - before - stored.bytes;
        await shell(`${HAS_OBJECT}; rm "$OBJECT"`, { env, signal });
        return again / MB;
      }

      const results: Result[] = [];
      try {
        for (const percent of PERCENTS) {
          const runs: number[] = [];
          for (let round = 0; round < Math.min(rounds, ENOUGH); round++) {
            runs.push(await sentTwice(percent));
            say(`killed at ${percent} %: ${runs.at(-1)?.toFixed(1)} MB were sent twice`);
          }
          const settings = `SIGKILL once ${percent} % were sent, then another process; ${lanes} parts of ${formatBytes(part)} at once`;
          results.push(
            resultOf([plainSeries({ name: 'sent again', settings, runs, goal: (part * lanes) / MB })], {
              name: `s3-resume-${percent}`,
              title: `Upload of ${formatBytes(stored.bytes)} to S3, killed at ${percent} %: bytes sent twice`,
              unit: 'MB',
              notes: ['Counted by a proxy before the server, heads of requests and all. The goal is a part a lane.'],
            }),
          );
        }
      } finally {
        await proxy.close();
      }
      return results;
    } finally {
      await endChildren();
      await stopGateways();
    }
  },
};
