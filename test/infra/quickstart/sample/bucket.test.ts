/** The S3 server of the sample. */
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { BUCKET_SERVER, startBucket } from '../../../../infra/quickstart/sample/bucket.ts';
import { endStrayServers } from '../../../../infra/quickstart/sample/leftovers.ts';
import { samplePlace } from '../../../../infra/quickstart/sample/place.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

describe("the sample's bucket", () => {
  after(cleanUp);

  it('is served with the same keys each time, and what a killed start has left is ended', async () => {
    const place = samplePlace({ MOSAIC_SAMPLE: await temporaryFolder() });
    await mkdir(place.keys);
    const first = await startBucket(place);
    assert.equal(first.destination.type, 's3');
    const secret = await readFile(`${place.keys}/s3-secret`, 'utf8');
    await endStrayServers(`${place.root}-of-somebody-else`, [BUCKET_SERVER]);
    assert.equal(await answers(first.destination), true, "another sample's is left alone");
    await endStrayServers(place.root, [BUCKET_SERVER]);
    assert.equal(await answers(first.destination), false);
    const second = await startBucket(place);
    try {
      assert.equal(await answers(second.destination), true);
      assert.equal(await readFile(`${place.keys}/s3-secret`, 'utf8'), secret);
    } finally {
      await second.stop();
    }
    assert.equal(await answers(second.destination), false);
  });
});

async function answers(destination: Awaited<ReturnType<typeof startBucket>>['destination']): Promise<boolean> {
  const endpoint = destination.type === 's3' ? (destination.endpoint ?? '') : '';
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}
