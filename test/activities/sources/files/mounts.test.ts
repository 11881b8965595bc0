/** Mounts below the paths of a files source, with real file systems. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readMounts } from '../../../../activities/sources/files/mounts.ts';
import { select } from '../../../../activities/sources/files/selection.ts';
import { filesSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { filesSite, type FilesSite } from './site.ts';
import { fingerprint, write } from './tree.ts';

describe('mounts below a path', () => {
  let source: string;
  let site: FilesSite;
  const mounted: string[] = [];

  beforeEach(async () => {
    source = await temporaryFolder({ onDisk: true });
    write(source, 'plain');
    site = await filesSite([source]);
  });
  afterEach(() => {
    for (const point of mounted.splice(0).toReversed()) execFileSync('umount', [point]);
  });
  after(cleanUp);

  function mount(name: string, ...args: readonly string[]): string {
    const point = path.join(source, name);
    mkdirSync(point, { recursive: true });
    execFileSync('mount', [...args, point]);
    mounted.push(point);
    return point;
  }

  async function disk(name: string): Promise<string> {
    const image = path.join(await temporaryFolder({ onDisk: true }), 'image');
    writeFileSync(image, '');
    truncateSync(image, 8 * 2 ** 20);
    execFileSync('mkfs.ext4', ['-q', image]);
    return mount(name, '-o', 'loop', image);
  }

  function refusal(pattern: RegExp): (error: unknown) => boolean {
    return (error) => {
      assert.ok(error instanceof BackupError, String(error));
      assert.equal(error.code, 'preflight-failed');
      assert.match(`${error.message} ${error.remedy}`, pattern);
      return true;
    };
  }

  it('P53 on disks are captured, nested ones too, in fulls and incrementals', async () => {
    write(await disk('data'), 'in data');
    write(await disk('data/deeper/still'), 'in still');
    await site.capture();
    write(source, 'data/later');
    rmSync(path.join(source, 'data/in data'));
    write(source, 'data/deeper/still/later');
    assert.equal((await site.capture()).kind, 'incremental');
    const restored = await site.restore();
    assert.equal(fingerprint(path.join(restored, source)), fingerprint(source));
    assert.deepEqual(
      (await site.prove()).filter(({ ok }) => !ok),
      [],
    );
  });

  it('P53 that are in memory or far away fail the preflight, until paths or exclude name them', async () => {
    const point = mount('memory', '-t', 'tmpfs', 'none');
    write(point, 'in memory');
    await assert.rejects(site.capture(), refusal(/tmpfs.*exclude, or to paths/s));
    await site.capture({ paths: [source, point] });
    const restored = await site.restore();
    assert.equal(fingerprint(path.join(restored, source)), fingerprint(source));
    await site.capture({ paths: [source], exclude: [point] });
    assert.ok(!(await site.inventory()).has(point.slice(1)));
    await site.capture({ exclude: ['memory/'] });
    assert.ok((await site.inventory()).has(point.slice(1)));
    assert.ok(!(await site.inventory()).has(`${point.slice(1)}/in memory`));
  });

  it('P53 that are the kernel itself fail the preflight', async () => {
    mount('proc', '-t', 'proc', 'none');
    await assert.rejects(site.capture(), refusal(/is proc, which holds no files of its own.*exclude/s));
  });

  it('P53 that bind a folder of the same disk are captured, and refused where its files come twice', async () => {
    const elsewhere = await temporaryFolder({ onDisk: true });
    write(elsewhere, 'bound');
    mount('bound', '--bind', elsewhere);
    await site.capture();
    const restored = await site.restore();
    assert.equal(fingerprint(path.join(restored, source)), fingerprint(source));
    write(source, 'own/file');
    mount('twice', '--bind', path.join(source, 'own'));
    await assert.rejects(site.capture(), refusal(/was an ordinary folder|files that .* has as well/));
    await assert.rejects((await filesSite([source])).capture(), refusal(/files that .* has as well.*exclude/s));
  });

  it('P53 that are gone since the last backup fail the preflight, until it is accepted', async () => {
    const point = await disk('data');
    write(point, 'precious');
    await site.capture();
    execFileSync('umount', [point]);
    mounted.pop();
    let remedy = '';
    await assert.rejects(site.capture(), (error) => {
      remedy = (error as BackupError).remedy ?? '';
      return refusal(/is not mounted now/)(error);
    });
    assert.equal((await site.backups()).length, 1);
    const [, command = ''] = /accept it: (rm \S+)$/.exec(remedy) ?? [];
    execFileSync('sh', ['-c', command]);
    await site.capture();
    assert.equal((await site.backups()).length, 2);
  });

  it('P53 a path whose own file system is gone fails the preflight', async () => {
    const point = await disk('data');
    write(point, 'precious');
    const own = await filesSite([point]);
    await own.capture();
    execFileSync('umount', [point]);
    mounted.pop();
    await assert.rejects(own.capture(), refusal(/was on a file system of its own \(ext4\)/));
  });

  it('P53 btrfs subvolumes, which are no mounts, fail the capture', async () => {
    const image = path.join(await temporaryFolder({ onDisk: true }), 'image');
    writeFileSync(image, '');
    truncateSync(image, 120 * 2 ** 20);
    execFileSync('mkfs.btrfs', ['-q', image]);
    const point = mount('btrfs', '-o', 'loop', image);
    execFileSync('btrfs', ['subvolume', 'create', path.join(point, 'nested')], { stdio: 'pipe' });
    write(point, 'nested/file');
    await assert.rejects(site.capture(), refusal(/btrfs\/nested came out empty.*to paths or to exclude/s));
    assert.deepEqual(await site.backups(), []);
    await site.capture({ paths: [source, path.join(point, 'nested')] });
    const restored = await site.restore();
    assert.equal(fingerprint(path.join(restored, source)), fingerprint(source));
  });

  it('paths that are missing, links, left out or the root itself fail the preflight', async () => {
    symlinkSync(source, path.join(source, 'link'));
    const refused = async (paths: string[], pattern: RegExp, exclude: string[] = []) =>
      assert.rejects((await filesSite(paths, { exclude })).capture(), refusal(pattern));
    await refused([path.join(source, 'missing')], /does not exist/);
    await refused([path.join(source, 'link')], /symbolic link.*Write \/.* in paths/s);
    await refused([path.join(source, 'link', 'plain')], /symbolic link/);
    await refused([source], /exclude leaves it out/, [source]);
    const whole = filesSource.parse({ type: 'files', paths: ['/'] });
    const { findings } = await select('tree', whole, await readMounts());
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['files.path-root'],
    );
  });

  it('a path that is empty is captured with a warning', async () => {
    const empty = await temporaryFolder({ onDisk: true });
    const manifest = await (await filesSite([empty])).capture();
    assert.match(manifest.warnings[0]?.message ?? '', /is empty \(If a volume belongs there/);
  });
});
