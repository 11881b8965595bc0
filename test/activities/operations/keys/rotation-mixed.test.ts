/** A rotation over places of every type at once, one of them away, killed at each of them. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unwrapIdentity } from '../../../../activities/keys/identity.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRemotes, type Remote, type RemoteServers } from '../../../support/remote-site.ts';
import { backUp, changeRecipients, makeRotatable, opening, rotate, type Rotatable } from '../../../support/rotated.ts';
import { runCommand, type SignalPoint } from '../../../support/worker-process.ts';

/** Behind the first of the two files of a backup, at each type. */
const POINTS: readonly SignalPoint[] = [
  { at: 'activities/storage/durable.ts#publish', when: 'left', matching: '/vault/.*/key\\.age$' },
  { at: 'activities/storage/s3/small.ts#putSmall', when: 'left', matching: '/key\\.age$', nth: 2 },
  { at: 'activities/storage/rsync/script.ts#runScript', when: 'left', matching: 'key\\.age[^]*mv -f' },
];

describe('rotation of recipients at a directory, a bucket and a server at once', function () {
  this.timeout(180_000);
  let servers: RemoteServers;
  let folder: string;
  let made: Rotatable;
  let bucket: Remote;
  let server: Remote;

  before(async () => {
    servers = await startRemotes();
    folder = await temporaryFolder();
    [bucket, server] = [await servers.remote('s3', folder), await servers.remote('rsync', folder)];
    const vault = { type: 'directory', path: path.join(folder, 'vault') } as const;
    made = await makeRotatable(folder, { destinations: { vault, bucket: bucket.config, server: server.config } });
    await backUp(made.site, '2026-11-22T02:00:00Z');
    await writeFile(made.data, 'what was there then\n');
    await backUp(made.site, '2026-11-23T02:00:00Z');
  });
  after(async () => {
    await servers.close();
    await cleanUp();
  });

  /** Whoever has the identity that stays, and whoever has the old one or the new one, opens everything everywhere. */
  async function assertOpens(): Promise<void> {
    for (const root of [...made.places, bucket.root, server.root]) {
      const [old, stays, fresh] = await Promise.all(
        [made.identities[0], made.identities[1], made.fresh].map((file) => opening(root, file)),
      );
      assert.equal(Object.keys(stays ?? {}).length, 2, root);
      for (const [backup, opens] of Object.entries(stays ?? {})) {
        assert.deepEqual(opens, [true, true], `${backup} at ${root}`);
        for (const which of [0, 1] as const)
          assert.ok(old?.[backup]?.[which] || fresh?.[backup]?.[which], `${backup} at ${root}: ${which}`);
      }
    }
  }

  it('is complete only once the one that was away is done; wherever it is killed everything opens, also at the place that was away', async () => {
    const site = await changeRecipients(made);
    server.link.cut();
    const args = ['-c', made.file, 'keys', 'rotate', '--direct', '--identity', made.fresh];
    for (const [index, point] of POINTS.entries()) {
      // The last is at the one that was away, which is back by then.
      if (index === POINTS.length - 1) {
        const partial = await rotate(site, [made.fresh]);
        assert.equal(partial.outcome, 'partial');
        assert.deepEqual(
          partial.problems.map(({ place, code }) => [place, code]),
          [['server', 'unreachable']],
        );
        server.link.mend();
        // The old identity opens what nobody has rotated yet: it is not to be forgotten before.
        const early = await mosaicHere(['-c', made.file, 'keys', 'check', '--identity', made.fresh]);
        assert.equal(early.code, 10, early.stdout);
        assert.match(early.stdout, /at server: it has/);
      }
      const killed = await runCommand({ args, owner: folder, point, reached: path.join(folder, `reached-${index}`) });
      assert.equal(killed.code, null, killed.output);
      await assertOpens();
    }
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'complete', JSON.stringify(report.problems));
    assert.ok(report.proofs.length > 0 && report.proofs.every(({ ok }) => ok));
    for (const root of [...made.places, bucket.root, server.root])
      for (const opens of Object.values(await opening(root, made.identities[0])))
        assert.deepEqual(opens, [false, false], root);
    const wraps = await Promise.all(
      ['vault', 'bucket', 'server'].map(async (name) =>
        (await listBackups(openDestination(name, site))).map(({ manifest }) => manifest.key),
      ),
    );
    assert.deepEqual([wraps[1], wraps[2]], [wraps[0], wraps[0]], 'copies have the same bytes');
    const identity = await readFile(made.fresh, 'utf8');
    for (const key of wraps.flat()) await unwrapIdentity(key, identity);
  });

  it('each place alone restores with the new identity and no other', async () => {
    for (const place of ['bucket', 'server']) {
      const to = path.join(folder, `restored-from-${place}`);
      const text = (await readFile(made.file, 'utf8')).replace(made.identities[0], made.fresh);
      const file = path.join(folder, 'fresh.yaml');
      await writeFile(file, text);
      const restored = await mosaicHere([
        '-c',
        file,
        'restore',
        'latest',
        '--source',
        'stack',
        '--from',
        place,
        '--to',
        to,
      ]);
      assert.equal(restored.code, 0, restored.stderr);
      assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there then\n');
    }
  });
});
