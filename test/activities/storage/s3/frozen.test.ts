/** What servers say of what lies frozen: stand-ins answer as AWS does, and as no good server should. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { frozenVerdict, thawStateOf } from '../../../../activities/storage/s3/archived.ts';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf } from './place.ts';

const KEY = 'yearly/postgres/20260104T020000Z-full/base.tar.zst.age';
const OPTIONS = { speed: 'standard', days: 7 } as const;

describe('what a server says of what lies frozen', () => {
  after(cleanUp);

  async function fileOf(text: string) {
    const file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, text);
    return { file, expected: storedOf(Buffer.from(text)) };
  }

  it('what lies frozen is right by its own checksum, and one of parts by what is recorded of it', () => {
    const { sha256 } = storedOf(Buffer.from('the good one'));
    const Metadata = { sha256 };
    const right = Buffer.from(sha256, 'hex').toString('base64');
    const other = Buffer.alloc(32).toString('base64');
    const of = (head: object) => frozenVerdict({ $metadata: {}, Metadata, ...head }, sha256);
    assert.equal(of({ ChecksumSHA256: right, ChecksumType: 'FULL_OBJECT' }), 'right');
    assert.equal(of({ ChecksumSHA256: other, ETag: '"0123"' }), 'other');
    for (const parts of [
      { ChecksumSHA256: `${other}-3` },
      { ChecksumSHA256: other, ETag: '"0123-3"' },
      { ChecksumSHA256: other, ChecksumType: 'COMPOSITE' },
    ]) {
      assert.equal(of(parts), 'right');
      assert.equal(of({ ...parts, Metadata: {} }), 'other');
    }
    assert.equal(of({}), 'unproven');
  });

  it('reads what AWS says of an object', () => {
    const of = (Restore?: string, StorageClass: 'GLACIER' | undefined = 'GLACIER') =>
      thawStateOf({ StorageClass, Restore });
    assert.deepEqual(of(), { state: 'frozen' });
    assert.deepEqual(of('ongoing-request="true"'), { state: 'thawing' });
    assert.deepEqual(of('ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"'), {
      state: 'readable',
      until: new Date('2029-12-21T00:00:00Z'),
    });
    assert.deepEqual(of('ongoing-request="false"'), { state: 'readable' });
  });

  it('a server that tells no checksum of what it freezes gets no copy that counts: a stand-in', async () => {
    let stored = 0;
    const { file, expected } = await fileOf('frozen');
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        if (request.method === 'PUT') stored += 1;
        const status = request.method === 'GET' ? 501 : stored > 0 ? 200 : 404;
        const told = { 'content-length': '6', 'x-amz-meta-sha256': expected.sha256 };
        const head = request.method === 'HEAD' && stored > 0 ? told : {};
        response.writeHead(status, { 'x-amz-storage-class': 'GLACIER', ...head }).end();
      });
    });
    const endpoint = await listening(server);
    try {
      const cold = destinationOf(await contextOf({ endpoint }, 'any', { storageClass: 'GLACIER' }));
      for (const _attempt of ['the first', 'the next']) {
        await assert.rejects(cold.put(KEY, file, expected, testWork()), {
          code: 'refused',
          message: /tells no SHA-256 of it/,
        });
        assert.equal(stored, 1, 'and is not sent again and again');
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('a server that computed another checksum of what it stored gets no copy that counts: a stand-in', async () => {
    let stored = false;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        if (request.method === 'PUT') stored = true;
        const status = request.method === 'GET' ? 501 : stored ? 200 : 404;
        const told = { 'content-length': '6', 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') };
        response.writeHead(status, { 'x-amz-storage-class': 'GLACIER', ...(request.method === 'HEAD' && told) }).end();
      });
    });
    const endpoint = await listening(server);
    try {
      const cold = destinationOf(await contextOf({ endpoint }, 'any', { storageClass: 'GLACIER' }));
      const { file, expected } = await fileOf('frozen');
      const wrong = { code: 'failed', message: /did not store .* its checksum there is another/ };
      await assert.rejects(cold.put(KEY, file, expected, testWork()), wrong);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('an object that somebody else asks for at the same moment is on its way: a stand-in answers as AWS does', async () => {
    const told: string[] = [];
    const server = createServer((request, response) => {
      if (request.method === 'POST') request.setEncoding('utf8').on('data', (text: string) => told.push(text));
      else request.resume();
      if (request.method === 'GET') return response.writeHead(501).end();
      if (request.method === 'HEAD') return response.writeHead(200, { 'x-amz-storage-class': 'GLACIER' }).end();
      const code = request.url?.includes('slow') ? 'GlacierExpeditedRetrievalNotAvailable' : 'RestoreAlreadyInProgress';
      return response
        .writeHead(code === 'RestoreAlreadyInProgress' ? 409 : 503, { 'content-type': 'application/xml' })
        .end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
    });
    const endpoint = await listening(server);
    try {
      const cold = destinationOf(await contextOf({ endpoint }, 'any', { storageClass: 'GLACIER' }));
      await cold.thawing?.ask(KEY, { speed: 'bulk', days: 3 });
      assert.match(told.join(''), /<Days>3<\/Days>.*<Tier>Bulk<\/Tier>/);
      await assert.rejects(async () => cold.thawing?.ask(`${KEY}-slow`, { ...OPTIONS, speed: 'expedited' }), {
        code: 'unreachable',
        message: /no capacity for expedited retrievals/,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}
