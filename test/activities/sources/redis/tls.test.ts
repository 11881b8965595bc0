import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { keys, startRedis, type TestRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { capture, listed, onlyBackup, prove, SOURCE } from '../postgres/backups.ts';
import { UNSEEN } from './restored.ts';

const AT = '2026-03-01T02:00:00Z';

describe('a Redis source over TLS', () => {
  let folder: string;
  let server: TestRedis;
  let other: TestRedis;

  before(async () => {
    folder = await temporaryFolder();
    for (const name of ['one', 'other']) await mkdir(path.join(folder, name));
    server = await startRedis({ folder: path.join(folder, 'one'), tcp: true, tls: true });
    other = await startRedis({ folder: path.join(folder, 'other'), tcp: true, tls: true });
    await server.pipe(keys(100));
  });
  after(async () => {
    await server?.stop();
    await other?.stop();
    await cleanUp();
  });

  async function siteFor(name: string, ca: string | undefined) {
    const own = path.join(folder, name);
    await mkdir(own);
    const password = { file: server.password };
    const connection = { host: '127.0.0.1', port: server.port, user: 'mosaic_backup', password };
    const config = server.config('stream', { connection: ca === undefined ? connection : { ...connection, ca } });
    return (await makeSite({ folder: own, sources: { [SOURCE]: config } })).site;
  }

  it('is captured where the server shows a certificate of the CA that the config names', async () => {
    const site = await siteFor('right', server.certificate);
    await capture(site, AT);
    const checks = await prove(site, await onlyBackup(site), path.join(folder, 'proof'));
    for (const [name, { compared, ok, detail }] of checks) {
      assert.ok((compared && ok) || name === UNSEEN, `${name}: ${detail}`);
    }
  });

  it('is refused where the certificate is of another CA, and fails where the config names none', async () => {
    for (const [name, ca] of [
      ['wrong', other.certificate],
      ['none', undefined],
    ] as const) {
      const site = await siteFor(name, ca);
      await assert.rejects(capture(site, AT), (error) => {
        assert.ok(error instanceof BackupError, String(error));
        assert.equal(error.code, ca === undefined ? 'unreachable' : 'access-denied', error.message);
        return true;
      });
      assert.deepEqual(await listed(site), []);
    }
  });
});
