/** What objects are stored with: the requests. What a server keeps of them: encrypted.test.ts, thaw.test.ts. */
import assert from 'node:assert/strict';
import { secretReader } from '../../../../activities/config/secrets.ts';
import { artifactAttributes, smallAttributes } from '../../../../activities/storage/s3/attributes.ts';
import { s3Client } from '../../../../activities/storage/s3/client.ts';
import { s3Destination } from '../../../../model/config/destinations/s3.ts';

const EXPECTED = { bytes: 3, sha256: 'ab'.repeat(32) };

describe('what objects of S3 are stored with', () => {
  const later = new Date(Date.now() + 60_000);

  function config(fields: object) {
    return s3Destination.parse({ type: 's3', bucket: 'backups', ...fields });
  }

  it('a class is for artifacts alone, the encryption for all', () => {
    const chosen = config({ storageClass: 'DEEP_ARCHIVE', encryption: { kms: 'a-key' } });
    const { StorageClass, ServerSideEncryption, SSEKMSKeyId, Metadata } = artifactAttributes(chosen, EXPECTED, {});
    assert.deepEqual([StorageClass, ServerSideEncryption, SSEKMSKeyId], ['DEEP_ARCHIVE', 'aws:kms', 'a-key']);
    assert.deepEqual(Metadata, { sha256: EXPECTED.sha256 });
    assert.deepEqual(smallAttributes(chosen, {}), { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'a-key' });
    assert.deepEqual(smallAttributes(config({ encryption: 'AES256' }), {}), { ServerSideEncryption: 'AES256' });
  });

  it('a bucket is named in the path at an endpoint of ones own, in the host at Amazon, and as the config says', async () => {
    const { readSecret } = secretReader({});
    const endpoint = 'http://127.0.0.1:9000';
    const cases = [
      [{}, false],
      [{ endpoint }, true],
      [{ endpoint, pathStyle: false }, false],
      [{ pathStyle: true }, true],
    ] as const;
    for (const [fields, expected] of cases) {
      const of = { config: config({ region: 'eu-central-1', ...fields }), credentials: undefined, readSecret };
      const client = await s3Client({ ...of, timeout: 1000 });
      assert.equal(client.config.forcePathStyle, expected, JSON.stringify(fields));
    }
  });

  it('a lock is for both, until its date, and neither without a date nor for one that is over', () => {
    const locked = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: later };
    const chosen = config({ lock: 'compliance' });
    assert.deepEqual(smallAttributes(chosen, { until: later }), locked);
    const { ObjectLockMode, ObjectLockRetainUntilDate } = artifactAttributes(chosen, EXPECTED, { until: later });
    assert.deepEqual({ ObjectLockMode, ObjectLockRetainUntilDate }, locked);
    assert.deepEqual(smallAttributes(chosen, {}), {});
    assert.deepEqual(smallAttributes(chosen, { until: new Date(Date.now() - 1) }), {});
    assert.deepEqual(smallAttributes(config({}), { until: later }), {});
  });
});
