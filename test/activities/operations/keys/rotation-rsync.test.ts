import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startSshd, type Sshd } from '../../../support/rsync/sshd.ts';
import { backUp, changeRecipients, makeRotatable, opening, rotate, type Rotatable } from '../../../support/rotated.ts';
import { optionsOfTemplate } from '../../storage/rsync/template.ts';

const FOLDER = 'configs/stack/20261122T020000Z-full';

/** With a shell everything can be done; the append-only server of our own template keeps what it has. */
describe('keys on an rsync server', function () {
  this.timeout(120_000);
  let sshd: Sshd;
  let folder: string;
  let root: string;

  before(async () => {
    sshd = await startSshd();
  });
  after(async () => {
    await sshd?.stop();
    await cleanUp();
  });

  async function siteWith(
    options: (root: string) => Promise<string>,
  ): Promise<{ readonly made: Rotatable; readonly key: string }> {
    folder = await temporaryFolder();
    root = path.join(folder, 'server');
    await mkdir(root, { mode: 0o700 });
    const own = await options(root);
    const key = await sshd.addKey(own);
    const target = `${sshd.user}@127.0.0.1:${own === '' ? root : '/'}`;
    const vault = { type: 'rsync', target, port: sshd.port, key: { file: key.file }, hostKey: sshd.hostKey } as const;
    const made = await makeRotatable(folder, { destinations: { vault } });
    await backUp(made.site, '2026-11-22T02:00:00Z');
    return { made, key: key.file };
  }

  it('with a shell: rotated whole; and the kit tells how a copy is fetched', async () => {
    const { made, key } = await siteWith(async () => '');
    const site = await changeRecipients(made);
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
    assert.deepEqual(await opening(root, made.identities[0]), { [FOLDER]: [false, false] });
    assert.deepEqual(await opening(root, made.fresh), { [FOLDER]: [true, true] });

    const { stdout } = await mosaicHere(['-c', made.file, 'keys', 'kit', '--identity', made.fresh]);
    const [, fetch = ''] = /^ *fetch: (rsync.*)$/m.exec(stdout) ?? [];
    const accept = '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i';
    await execa('sh', ['-c', fetch.replace('-i KEY', `${accept} ${key}`).replace('FOLDER', FOLDER)], { cwd: folder });
    const names = await readdir(path.join(folder, 'backup'));
    assert.deepEqual(names.toSorted(), ['base.tar.zst.age', 'inventory.zst.age', 'key.age', 'manifest.json']);
  });

  it('append-only: says what cannot be done there and why, and what restores read is as it was', async () => {
    const { made } = await siteWith(async (of) => (await optionsOfTemplate(of)).writing);
    const site = await changeRecipients(made);
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'partial', JSON.stringify(report, undefined, 1));
    assert.deepEqual(
      report.problems.map(({ place, backup, code }) => [place, backup, code]),
      [['vault', 'daily/stack/20261122T020000Z-full', 'refused']],
    );
    assert.match(report.problems[0]?.message ?? '', /vault (?:does not let key\.age be replaced|took a new key\.age)/);
    assert.match(report.problems[0]?.remedy ?? '', /stays open to its old recipients/);
    assert.deepEqual((await opening(root, made.identities[0]))[FOLDER]?.[0], true);
    assert.ok(report.proofs.every(({ ok }) => ok));
    // What builds on it is copied there all the same.
    assert.match(await backUp(site, '2026-11-23T02:00:00Z'), /incremental$/);
    const names = await readdir(path.join(root, 'configs/stack/20261123T020000Z-incremental'));
    assert.deepEqual(names.toSorted(), ['base.tar.zst.age', 'inventory.zst.age', 'key.age', 'manifest.json']);
  });
});
