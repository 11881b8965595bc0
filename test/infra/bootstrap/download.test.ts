/** Downloads of the bootstrap: only what has the pinned digest is kept, and an unreachable server costs little time. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const PROGRAM = fileURLToPath(new URL('../../../infra/bootstrap/download.mjs', import.meta.url));
const CONTENT = 'a release';
const DIGEST = createHash('sha256').update(CONTENT).digest('hex');

describe('bootstrap: download', () => {
  const servers: Server[] = [];
  after(async () => {
    for (const server of servers) server.close().closeAllConnections();
    await cleanUp();
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/release.tar.gz`;
  }

  it('keeps a file that has the pinned digest', async () => {
    const file = path.join(await temporaryFolder(), 'archive');
    const url = await serve((_request, response) => response.end(CONTENT));
    assert.equal((await download(url, DIGEST, file)).code, 0);
    assert.equal(await readFile(file, 'utf8'), CONTENT);
  });

  it('keeps nothing of a file that has another, and says so', async () => {
    const folder = await temporaryFolder();
    const url = await serve((_request, response) => response.end(`${CONTENT}!`));
    const { code, stderr } = await download(url, DIGEST, path.join(folder, 'archive'));
    assert.equal(code, 1);
    assert.match(stderr, /SHA-256 differs from the pinned one/);
    assert.deepEqual(await readdir(folder), []);
  });

  it('keeps nothing of a file that is cut off', async () => {
    const folder = await temporaryFolder();
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write(CONTENT, () => response.destroy());
    });
    assert.equal((await download(url, DIGEST, path.join(folder, 'archive'))).code, 1);
    assert.deepEqual(await readdir(folder), []);
  });

  it('gives up on a server that does not answer', async () => {
    const file = path.join(await temporaryFolder(), 'archive');
    const url = await serve(() => undefined);
    const { code, stderr } = await download(url, DIGEST, file, '0.3');
    assert.equal(code, 1);
    assert.match(stderr, /no answer within 0\.3 s/);
    assert.ok(!existsSync(file));
  });

  it('gives up where nobody listens', async () => {
    const file = path.join(await temporaryFolder(), 'archive');
    const { code, stderr } = await download('http://127.0.0.1:1/release.tar.gz', DIGEST, file);
    assert.equal(code, 1);
    assert.match(stderr, /not downloaded from 127\.0\.0\.1:1/);
  });
});

function download(...args: readonly string[]): Promise<{ readonly code: number; readonly stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, ...args], (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stderr });
    });
  });
}
