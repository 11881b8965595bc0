/** A server that is reached over TCP, with a certificate. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { OWNER, sampleArguments } from '../../../support/processes.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, SOURCE } from './backups.ts';
import { freePort } from '../../../support/ports.ts';

describe('a MariaDB source over TCP', () => {
  let folder: string;
  let server: TestMariadb;
  let port: number;

  before(async () => {
    folder = await temporaryFolder();
    port = await freePort();
    const { key, certificate } = await makeCertificate('server');
    const tls = [`--ssl-cert=${certificate}`, `--ssl-key=${key}`];
    const network = ['--skip-networking=0', '--bind-address=127.0.0.1', `--port=${port}`];
    server = await startMariadb({ folder, args: [...tls, ...network], roles: ['mariadb-logical.sql'] });
    await server.sql(`ALTER USER mosaic_backup@localhost REQUIRE SSL`);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  async function makeCertificate(name: string) {
    const [key, certificate] = [path.join(folder, `${name}.key`), path.join(folder, `${name}.crt`)];
    const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2'];
    await runProgram({
      command: 'openssl',
      args: ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, '-keyout', key, '-out', certificate],
    });
    // A key of a test, which the server's user must read.
    await chmod(key, 0o644);
    return { key, certificate };
  }

  function connection(ca: string) {
    return { host: '127.0.0.1', port, ca, password: { file: server.passwords.backup } };
  }

  for (const method of ['physical', 'logical'] as const) {
    it(`is captured with a verified certificate, and no password is in any argument (${method})`, async () => {
      const config = server.config({ connection: connection(path.join(folder, 'server.crt')), method });
      const own = path.join(folder, method);
      const { site } = await makeSite({ folder: await made(own), sources: { [SOURCE]: config } });
      process.env[OWNER] = own;
      const sampled = sampleArguments(own, 5);
      try {
        await capture(site, '2026-03-01T02:00:00Z');
      } finally {
        delete process.env[OWNER];
      }
      const seen = [...sampled.stop()];
      assert.ok(seen.some((line) => line.includes(method === 'physical' ? 'mariadb-backup' : 'mariadb-dump')));
      assert.deepEqual(
        seen.filter((line) => line.includes('cret\\ of')),
        [],
      );
      assert.equal((await listed(site)).length, 1);
    });
  }

  async function made(own: string): Promise<string> {
    await runProgram({ command: 'mkdir', args: ['-p', own] });
    return own;
  }

  it('does not believe a certificate of another CA', async () => {
    const { certificate } = await makeCertificate('other');
    const config = server.source({ connection: { ...server.source().connection, ...connection(certificate) } });
    const { site } = await makeSite({
      folder: await made(path.join(folder, 'other')),
      sources: { [SOURCE]: server.config() },
    });
    const asked = { source: SOURCE, config, work: testWork(), readSecret: site.readSecret, state: folder };
    const error = await isBackupError(mariadb.preflight(asked), 'access-denied');
    assert.match(error.remedy ?? '', /connection\.ca/);
  });
});
