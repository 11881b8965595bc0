import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sweepTests } from '../../../activities/operations/proof/sweep.ts';
import { makeScratch, ownScratch, scratchOf } from '../../../activities/operations/scratch-place.ts';
import { holderTag, thisHolder } from '../../../activities/storage/holder.ts';
import { requireReach } from '../../../activities/sources/private-server/user.ts';
import type { Site } from '../../../activities/site.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

const NOBODY = { uid: 65_534, gid: 65_534 };
/** What a process has left that is dead: this one's number was another's before. */
const LEFT = `mosaic-proof-1${holderTag({ ...thisHolder(), start: '1' })}`;
const isRoot = process.getuid?.() === 0;

describe('the place where restores are tried', () => {
  let folder: string;
  let site: Site;
  let umask: number;

  beforeEach(async () => {
    folder = await temporaryFolder();
    ({ site } = await makeSite({ folder, sources: { wiki: { type: 'files', paths: [path.join(folder, 'data')] } } }));
    // As the units have it.
    umask = process.umask(0o077);
  });
  afterEach(() => process.umask(umask));
  after(cleanUp);

  it('can be passed by the user of a server, and read by nobody, whatever the umask and whoever closed or opened it', async () => {
    const mode = async (of: string) => (await stat(of)).mode & 0o777;
    for (const before of [undefined, 0o700, 0o777]) {
      if (before !== undefined) await chmod(ownScratch(site.state), before);
      const made = await makeScratch(site, 'restore-tests');
      assert.equal(made, path.join(isRoot ? `${site.state}-scratch` : `${site.state}/scratch`, 'restore-tests'));
      assert.deepEqual([await mode(made), await mode(path.dirname(made))], [0o711, 0o711]);
    }
    await requireReach('test', isRoot ? NOBODY : undefined, path.join(scratchOf(site, 'restore-tests'), 'data'));
    assert.notEqual(await makeScratch(site, 'drills'), scratchOf(site, 'restore-tests'));
  });

  it('is that of the config where it names one: made passable, or left as it is', async () => {
    const scratch = path.join(folder, 'far', 'away');
    const { restoreTest } = site.config.plans;
    const named = {
      ...site,
      config: { ...site.config, plans: { ...site.config.plans, restoreTest: { ...restoreTest, scratch } } },
    };
    assert.equal(await makeScratch(named, 'restore-tests'), scratch);
    await requireReach('test', isRoot ? NOBODY : undefined, path.join(scratch, 'data'));
    await chmod(scratch, 0o750);
    await makeScratch(named, 'restore-tests');
    assert.equal((await stat(scratch)).mode & 0o777, 0o750);
  });

  it('is rid of what killed tests left, also where they had it once', async () => {
    const places = [await makeScratch(site, 'restore-tests'), path.join(site.state, 'restore-tests')];
    for (const place of places) await mkdir(path.join(place, LEFT), { recursive: true });
    await sweepTests(site);
    assert.deepEqual(await Promise.all(places.map((place) => readdir(place))), [[], []]);
  });

  it('and of what killed commands left, which had it in TMPDIR; there nothing of other users is removed', async () => {
    const tmp = path.join(folder, 'tmp');
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = tmp;
    try {
      const alive = `mosaic-proof-2${holderTag(thisHolder())}`;
      for (const name of [LEFT, LEFT.replace('proof', 'export'), `other-${LEFT}`, alive, 'mosaic-proof-of-nobody'])
        await mkdir(path.join(tmp, name), { recursive: true });
      // As /tmp is.
      await chmod(tmp, 0o1777);
      const foreign = LEFT.replace('-1', '-3');
      if (isRoot) {
        await mkdir(path.join(tmp, foreign));
        await chown(path.join(tmp, foreign), NOBODY.uid, NOBODY.gid);
      }
      await sweepTests(site);
      const kept = [alive, 'mosaic-proof-of-nobody', ...(isRoot ? [foreign] : []), `other-${LEFT}`];
      assert.deepEqual((await readdir(tmp)).toSorted(), kept.toSorted());
      await chmod(tmp, 0o755);
      await sweepTests(site);
      assert.ok(!(await readdir(tmp)).includes(foreign), 'nobody else can have made it');
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  it('is refused where it leads elsewhere or is not ours, and nothing is removed there', async () => {
    const own = ownScratch(site.state);
    const elsewhere = path.join(folder, 'elsewhere');
    await mkdir(path.join(elsewhere, 'restore-tests', LEFT), { recursive: true });
    await mkdir(path.dirname(own), { recursive: true });
    await symlink(elsewhere, own);
    await isBackupError(makeScratch(site, 'restore-tests'), 'refused');
    await sweepTests(site);
    assert.deepEqual(await readdir(path.join(elsewhere, 'restore-tests')), [LEFT]);
    await rm(own);
    await writeFile(own, '');
    await isBackupError(makeScratch(site, 'restore-tests'), 'refused');
    await rm(own);
    if (!isRoot) return;
    await mkdir(own);
    await chown(own, NOBODY.uid, NOBODY.gid);
    await isBackupError(makeScratch(site, 'restore-tests'), 'refused');
  });
});
