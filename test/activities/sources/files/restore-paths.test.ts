/** Single paths out of a backup. */
import assert from 'node:assert/strict';
import { linkSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { filesSite, type FilesSite } from './site.ts';
import { ODD_NAMES, write } from './tree.ts';

describe('single paths', () => {
  let source: string;
  let site: FilesSite;

  before(async () => {
    source = await temporaryFolder({ onDisk: true });
    site = await filesSite([source]);
    write(source, 'private/.env', 'first', 0o600);
    write(source, 'private/readable', 'behind a closed folder');
    const { chmodSync, chownSync } = await import('node:fs');
    chownSync(path.join(source, 'private/.env'), 1234, 4321);
    chmodSync(path.join(source, 'private'), 0o700);
    chownSync(path.join(source, 'private'), 1234, 4321);
    write(source, 'app/config/main.yaml', 'first');
    write(source, 'app/config/old.yaml', 'first');
    write(source, 'app/data/unchanged', 'first');
    write(source, 'links/one', 'linked');
    linkSync(path.join(source, 'links/one'), path.join(source, 'zlink'));
    for (const name of ODD_NAMES) write(source, `odd/${name}`);
    for (const name of ['[ab]', 'a', 'b', 'c*', 'cd']) write(source, `globs/${name}`);
    await site.capture();
    write(source, 'app/config/main.yaml', 'second');
    write(source, 'app/config/new.yaml', 'second');
    rmSync(path.join(source, 'app/config/old.yaml'));
    await site.capture();
    write(source, 'elsewhere', 'third');
    await site.capture();
  });
  after(cleanUp);

  async function restored(...names: readonly string[]): Promise<string> {
    const to = await site.restore({ paths: names.map((name) => path.join(source, name)) });
    return path.join(to, source);
  }

  it('a secret keeps its mode and owner, and the folder that protects it too', async () => {
    const to = await restored('private/.env');
    const { mode, uid, gid } = statSync(path.join(to, 'private/.env'));
    assert.deepEqual([mode & 0o7777, uid, gid], [0o600, 1234, 4321]);
    const folder = statSync(path.join(to, 'private'));
    assert.deepEqual([folder.mode & 0o7777, folder.uid], [0o700, 1234]);
    assert.deepEqual(readdirSync(to, { recursive: true }), ['private', 'private/.env']);
  });

  it('a file comes in its newest version, from whichever backup has it', async () => {
    assert.equal(
      readFileSync(path.join(await restored('app/config/main.yaml'), 'app/config/main.yaml'), 'utf8'),
      'second',
    );
    assert.equal(readFileSync(path.join(await restored('app/data/unchanged'), 'app/data/unchanged'), 'utf8'), 'first');
  });

  it('a folder comes as it was at the newest backup: changed, added and deleted', async () => {
    const to = await restored('app/');
    assert.deepEqual(readdirSync(path.join(to, 'app/config')).toSorted(), ['main.yaml', 'new.yaml']);
    assert.equal(readFileSync(path.join(to, 'app/config/main.yaml'), 'utf8'), 'second');
    assert.deepEqual(readdirSync(to), ['app']);
  });

  it('an older backup gives its own version', async () => {
    const [first] = (await site.backups()).toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled));
    const to = await site.restore({ paths: [path.join(source, 'app/config')], id: first?.manifest.id ?? '' });
    assert.deepEqual(readdirSync(path.join(to, source, 'app/config')).toSorted(), ['main.yaml', 'old.yaml']);
  });

  it('several at once, with odd names', async () => {
    const to = await restored(...ODD_NAMES.map((name) => `odd/${name}`), 'app/data');
    assert.deepEqual(readdirSync(path.join(to, 'odd')).toSorted(), ODD_NAMES.toSorted());
    assert.deepEqual(readdirSync(to).toSorted(), ['app', 'odd']);
  });

  it('a hard link comes without its other name', async () => {
    const to = await restored('zlink');
    assert.deepEqual(readdirSync(to, { recursive: true }), ['zlink']);
    assert.equal(readFileSync(path.join(to, 'zlink'), 'utf8'), 'linked');
  });

  it('a glob means what it matches, out of every backup of the chain: * and ? no slash, ** any folders', async () => {
    const all = (folder: string) => readdirSync(folder, { recursive: true }).map(String).toSorted();
    assert.deepEqual(all(await restored('app/*/*.yaml')), [
      'app',
      'app/config',
      'app/config/main.yaml',
      'app/config/new.yaml',
    ]);
    const deep = await restored('**/main.y??l', '**/unchanged');
    assert.deepEqual(all(deep), ['app', 'app/config', 'app/config/main.yaml', 'app/data', 'app/data/unchanged']);
    assert.equal(readFileSync(path.join(deep, 'app/config/main.yaml'), 'utf8'), 'second');
    assert.deepEqual(readdirSync(path.join(await restored('app/**'), 'app')).toSorted(), ['config', 'data']);
    await assert.rejects(restored('app/*.yaml'), /the backup has no .*app\/\*\.yaml/);
  });

  it('a name that is there is meant as it is written, whatever is in it; a backslash takes one literally', async () => {
    assert.deepEqual(readdirSync(path.join(await restored('globs/[ab]'), 'globs')), ['[ab]']);
    assert.deepEqual(readdirSync(path.join(await restored('globs/c*'), 'globs')), ['c*']);
    assert.deepEqual(readdirSync(path.join(await restored('globs/[a-b]'), 'globs')).toSorted(), ['a', 'b']);
    assert.deepEqual(readdirSync(path.join(await restored('glob?/c\\*'), 'globs')), ['c*']);
  });

  it('that the backup does not have are refused, with those that come near', async () => {
    for (const [asked, near] of [
      ['app/config/mian.yaml', 'app/config/main.yaml'],
      ['config/main.yaml', 'app/config/main.yaml'],
      ['privat', 'private'],
    ] as const) {
      await assert.rejects(restored(asked), (error) => {
        assert.ok(error instanceof BackupError);
        assert.equal(error.code, 'not-found');
        assert.ok(error.remedy?.includes(path.join(source, near)), error.remedy);
        return true;
      });
    }
    await assert.rejects(restored('app/config/old.yaml'), /the backup has no .*old\.yaml/);
  });
});
