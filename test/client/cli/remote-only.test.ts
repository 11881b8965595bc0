/** A machine that has nothing but a server and the recovery kit; and a server that gives back other bytes than it got. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { copyLogs } from '../../../activities/operations/copy-logs.ts';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import { CONFIG_MARKS } from '../../../client/backups/kit-text.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { keysIn } from '../../support/keys-in.ts';
import { REMOTE_TYPES, startRemotes, type Remote, type RemoteServers } from '../../support/remote-site.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { writeRecoveryConfig } from '../../support/recovery-config.ts';
import { backUp, makeRotatable, type Rotatable } from '../../support/rotated.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';
import { capture, onRestored, ship, SOURCE } from '../../activities/sources/postgres/backups.ts';

const FULL = 'configs/stack/20261122T020000Z-full';
const INCREMENTAL = 'configs/stack/20261123T020000Z-incremental';
const CANARY = 'a-secret-that-leaves-the-host-only-encrypted';

describe('a server and the recovery kit, and nothing else', function () {
  this.timeout(120_000);
  let servers: RemoteServers;

  before(async () => {
    servers = await startRemotes();
  });
  after(async () => {
    await servers.close();
    await cleanUp();
  });

  for (const type of REMOTE_TYPES) {
    describe(type, () => {
      let remote: Remote;
      let made: Rotatable;
      /** The empty machine. */
      let home: string;
      let config: string;

      before(async () => {
        const folder = await temporaryFolder();
        remote = await servers.remote(type, folder);
        made = await makeRotatable(folder, { destinations: { remote: remote.config } });
        await writeFile(made.data, `${CANARY}\n`);
        await backUp(made.site, '2026-11-22T02:00:00Z');
        await writeFile(made.data, `${CANARY}, changed\n`);
        await backUp(made.site, '2026-11-23T02:00:00Z');
        const kit = await mosaicHere(['-c', made.file, 'keys', 'kit']);
        for (const each of [made.site.repository, made.site.state]) await rm(each, { recursive: true });
        home = await temporaryFolder();
        const identity = path.join(home, 'identity.txt');
        await writeFile(identity, `${/^AGE-SECRET-KEY-1\S+$/m.exec(kit.stdout)?.[0] ?? ''}\n`, { mode: 0o600 });
        const text =
          kit.stdout.split(CONFIG_MARKS[0])[1]?.split(CONFIG_MARKS[1])[0] ?? assert.fail('no config in the kit');
        config = path.join(home, 'recovery.yaml');
        await writeFile(
          config,
          text
            .replaceAll('/root/identity.txt', identity)
            .replaceAll(made.site.repository, path.join(home, 'repository'))
            .replaceAll(made.site.state, path.join(home, 'state')),
        );
      });

      function restore(to: string, ...wanted: readonly string[]): Promise<Ended> {
        return mosaicHere([
          '-c',
          config,
          '--json',
          'restore',
          ...wanted,
          '--from',
          'remote',
          '--to',
          path.join(home, to),
        ]);
      }

      it('P48 an empty machine lists, verifies and restores everything there', async () => {
        const listed = await mosaicHere(['-c', config, '--json', 'list', '--destination', 'remote']);
        for (const each of [FULL, INCREMENTAL]) assert.ok(listed.stdout.includes(path.basename(each)), listed.stderr);
        const verified = await mosaicHere(['-c', config, 'verify', '--destination', 'remote', '--deep']);
        assert.equal(verified.code, 0, verified.stdout + verified.stderr);
        const newest = await restore('newest', 'latest', '--source', 'stack');
        assert.equal(newest.code, 0, newest.stdout);
        assert.equal(await readFile(path.join(home, 'newest', made.data), 'utf8'), `${CANARY}, changed\n`);
        assert.equal((await restore('older', 'stack/20261122')).code, 0);
        assert.equal(await readFile(path.join(home, 'older', made.data), 'utf8'), `${CANARY}\n`);
      });

      it('P39 nothing that was captured, and no secret of the site, lies there in plaintext', async () => {
        const secrets = await Promise.all(
          (await readdir(path.join(made.folder, 'keys'))).map((name) =>
            readFile(path.join(made.folder, 'keys', name), 'utf8'),
          ),
        );
        const lines = secrets.flatMap((text) => text.split('\n')).filter((line) => line.length > 40);
        const keys = await keysIn(remote.root);
        assert.ok(keys.length >= 8, keys.join());
        for (const key of keys) {
          const bytes = await readFile(path.join(remote.root, key));
          for (const secret of [CANARY, ...lines]) assert.ok(!bytes.includes(secret), key);
        }
      });

      it('P40 what was tampered with or cut off there promotes no file', async () => {
        const artifact = path.join(remote.root, INCREMENTAL, 'base.tar.zst.age');
        const whole = await readFile(artifact);
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(300) ^ 1, 300);
        const harm: readonly (() => Promise<void>)[] = [
          () => writeFile(artifact, flipped),
          () => truncate(artifact, whole.length - 20),
          () => truncate(artifact, 0),
        ];
        for (const how of harm) {
          await how();
          const ended = await restore('never', 'latest', '--source', 'stack');
          assert.ok(ended.code === 9 || ended.code === 6, `${ended.code} ${ended.stdout}`);
          assert.ok(!existsSync(path.join(home, 'never')));
          assert.deepEqual(
            (await readdir(home)).filter((name) => name.startsWith('.never')),
            [],
          );
          await writeFile(artifact, whole);
        }
        assert.equal((await restore('whole-again', 'latest', '--source', 'stack')).code, 0);
      });
    });
  }

  describe('a database', () => {
    let server: TestPostgres;
    /** Of every row that it had. */
    let source: readonly unknown[];
    /** The empty machine, and its config. */
    let home: string;
    let config: string;

    before(async () => {
      const folder = await temporaryFolder();
      server = await startPostgres({ folder });
      const destinations = Object.fromEntries(
        await Promise.all(
          REMOTE_TYPES.map(async (type) => [type, (await servers.remote(type, folder)).config] as const),
        ),
      );
      const { site, file } = await makeSite({ folder, sources: { [SOURCE]: server.config() }, destinations });
      await server.sql('CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, 5000) n');
      await ship(site, '2026-11-23T01:55:00Z');
      const { backup } = await capture(site, '2026-11-23T02:00:00Z');
      await server.sql("INSERT INTO t VALUES (5001, 'behind the base backup'); DELETE FROM t WHERE n < 100");
      await ship(site, '2026-11-23T02:05:00Z');
      source = z.array(digests).parse(await server.sql(DIGEST));
      await server.stop();
      for (const destination of REMOTE_TYPES) {
        await copyToDestination({ site, backup, destination, work: testWork() });
        const logs = await copyLogs({ site, source: SOURCE, destination, limit: 60_000, work: testWork() });
        assert.deepEqual([logs.owed, logs.errors], [0, []]);
      }
      const kit = await mosaicHere(['-c', file, 'keys', 'kit']);
      home = await temporaryFolder();
      config = await writeRecoveryConfig(kit.stdout, site, home);
      for (const each of [site.repository, site.state, server.data, path.join(folder, 'keys')])
        await rm(each, { recursive: true });
    });

    after(async () => {
      await server?.stop();
    });

    for (const type of REMOTE_TYPES)
      it(`P48 an empty machine brings it back from ${type} alone, with what was committed behind its base backup`, async () => {
        const to = path.join(home, `restored-from-${type}`);
        const args = ['restore', 'latest', '--source', SOURCE, '--at', 'end', '--from', type, '--to', to];
        const restored = await mosaicHere(['-c', config, '--json', ...args]);
        assert.equal(restored.code, 0, restored.stdout + restored.stderr);
        const found = await onRestored({ data: to, binaries: server.binaries.folder }, (session) =>
          session.rows(digests, DIGEST),
        );
        assert.deepEqual(found, source);
      });
  });
});

const DIGEST = "SELECT count(*) || md5(string_agg(t::text, ',' ORDER BY n)) AS digest FROM public.t";
const digests = z.object({ digest: z.string() });
