/** What is said when a bucket, its server or the way to it is not as it should be; and that no secret is in it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { inspect } from 'node:util';
import type { S3Destination } from '../../../../model/config/destinations/s3.ts';
import type { BackupError } from '../../../../model/errors.ts';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { freePort } from '../../../support/ports.ts';
import { openProxy } from '../../../support/proxy.ts';
import { startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, listed, makeBucket } from './place.ts';

const KEY = 'daily/postgres/20261123T020000Z-full/manifest.json';
const SECRET = 'a-secret-that-nobody-may-see';

describe('errors of S3', () => {
  let gateway: Gateway;
  let bucket: string;

  before(async () => {
    gateway = await startGateway();
    bucket = await makeBucket(gateway);
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  async function failureWith(config: Partial<S3Destination>): Promise<BackupError> {
    const context = await contextOf(gateway, config.bucket ?? bucket, config);
    try {
      await destinationOf(context).readSmall(KEY);
    } catch (error) {
      const failure = error as BackupError; // looked at by every test
      assert.equal(failure.name, 'BackupError', failure.stack);
      assert.ok((failure.remedy ?? '') !== '', failure.message);
      assert.ok(!inspect(failure, { depth: 9 }).includes(SECRET), 'no secret is in it');
      return failure;
    }
    throw new Error('it did not fail');
  }

  it('there is no such bucket', async () => {
    const failure = await failureWith({ bucket: 'never-made' });
    assert.equal(failure.code, 'unreachable');
    assert.match(failure.message, /no such bucket \(bucket never-made at http:/);
    const destination = destinationOf(await contextOf(gateway, 'never-made'));
    await assert.rejects(listed(destination.list('')), { code: 'unreachable' });
    await assert.rejects(destination.putSmall(KEY, Buffer.from('x'), { replace: true }), { code: 'unreachable' });
  });

  it('the server does not know the credentials, and the secret is not told', async () => {
    process.env['TEST_S3_WRONG'] = SECRET;
    process.env['TEST_S3_NOBODY'] = 'nobody';
    process.env['TEST_S3_ROOT'] = 'root-of-tests';
    const secretAccessKey = { env: 'TEST_S3_WRONG' };
    const wrong = await failureWith({ credentials: { accessKeyId: { env: 'TEST_S3_ROOT' }, secretAccessKey } });
    assert.equal(wrong.code, 'access-denied');
    assert.match(wrong.message, /does not know these credentials/);
    const unknown = await failureWith({ credentials: { accessKeyId: { env: 'TEST_S3_NOBODY' }, secretAccessKey } });
    assert.equal(unknown.code, 'access-denied');
    const missing = await failureWith({ credentials: { accessKeyId: { env: 'TEST_S3_UNSET' }, secretAccessKey } });
    assert.equal(missing.code, 'config');
    assert.match(missing.message, /TEST_S3_UNSET/);
  });

  it("without credentials of its own it takes the usual chain's, and says where that has none", async () => {
    const { credentials: _none, ...config } = (await contextOf(gateway, bucket)).config;
    const context = { ...(await contextOf(gateway, bucket)), config };
    const before = { ...process.env };
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nowhere/credentials';
    process.env['AWS_CONFIG_FILE'] = '/nowhere/config';
    delete process.env['AWS_ACCESS_KEY_ID'];
    try {
      await assert.rejects(destinationOf(context).readSmall(KEY), (error: BackupError) => {
        assert.equal(error.code, 'access-denied', error.stack);
        assert.match(error.message, /there are no credentials/);
        return true;
      });
      process.env['AWS_ACCESS_KEY_ID'] = 'root-of-tests';
      process.env['AWS_SECRET_ACCESS_KEY'] = 'secret-of-the-root-of-tests';
      assert.equal(await destinationOf(context).readSmall(KEY), undefined);
    } finally {
      process.env = before;
    }
  });

  it('the region is another one', async () => {
    const failure = await failureWith({ region: 'eu-central-1' });
    assert.equal(failure.code, 'config', failure.stack);
    assert.match(failure.message, /another region/);
  });

  it('nobody listens, and the name has no address', async () => {
    const refused = await failureWith({ endpoint: `http://127.0.0.1:${await freePort()}` });
    assert.equal(refused.code, 'unreachable');
    assert.match(refused.message, /takes no connection/);
    const unknown = await failureWith({ endpoint: 'http://nowhere.invalid:9000' });
    assert.equal(unknown.code, 'unreachable');
    assert.match(unknown.message, /has no address/);
  });

  it('a link that has died without a word is given up', async () => {
    const proxy = await openProxy(gateway.address);
    try {
      proxy.stall();
      const failure = await failureWith({ endpoint: `http://${proxy.address}`, timeout: 1_000 });
      assert.equal(failure.code, 'unreachable');
      assert.match(failure.message, /does not answer/);
    } finally {
      await proxy.close();
    }
  });

  it('the certificate is trusted only where its signer is named', async () => {
    const folder = await temporaryFolder();
    const [key, ca] = [path.join(folder, 'key.pem'), path.join(folder, 'ca.pem')] as const;
    const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-keyout', key, '-out', ca, ...subject],
      {
        stdio: 'ignore',
      },
    );
    const tls = await startGateway({ certificate: { key, certificate: ca } });
    const own = await makeBucket(tls);
    const untrusted = await failureWith({ bucket: own, endpoint: tls.endpoint });
    assert.equal(untrusted.code, 'unreachable');
    assert.match(untrusted.message, /certificate is signed by nobody who is trusted/);
    const destination = destinationOf(await contextOf(tls, own, { ca, partSize: 5 * 2 ** 20 }));
    const bytes = Buffer.alloc(6 * 2 ** 20, 'x');
    const file = path.join(folder, 'object');
    await writeFile(file, bytes);
    await destination.put('daily/a', file, storedOf(bytes), testWork());
    assert.deepEqual(await destination.digest('daily/a', testWork()), storedOf(bytes));
    const unreadable = await failureWith({ bucket: own, endpoint: tls.endpoint, ca: '/nowhere/ca.pem' });
    assert.equal(unreadable.code, 'config');
  });

  it('a server that is busy for a moment is tried again, and one that stays so is told', async () => {
    const busy = await startBusyServer();
    try {
      const failure = await failureWith({ endpoint: busy.endpoint });
      assert.equal(failure.code, 'unreachable');
      assert.match(failure.message, /overloaded/);
      assert.ok(busy.asked() >= 4, `asked ${busy.asked()} times`);
    } finally {
      await busy.close();
    }
  });
});

interface BusyServer {
  readonly endpoint: string;
  asked(): number;
  close(): Promise<void>;
}

/** A stand-in: no real server here can be made to say SlowDown. */
async function startBusyServer(): Promise<BusyServer> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(503, { 'content-type': 'application/xml' });
    response.end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>');
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    asked: () => asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
