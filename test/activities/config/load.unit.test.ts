import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { findConfigFile } from '../../../activities/config/find.ts';
import { loadSite } from '../../../activities/config/load.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type SiteOptions } from '../../support/site.ts';

const SOURCES: SiteOptions['sources'] = { stack: { type: 'files', paths: ['/etc'] } };

describe('loading a site', () => {
  after(cleanUp);

  it('takes -c, then MOSAIC_BACKUP_CONFIG, then the current folder', async () => {
    const cwd = await temporaryFolder();
    const env = { MOSAIC_BACKUP_CONFIG: 'named.yaml' };
    assert.equal((await findConfigFile({ file: 'given.yaml', env, cwd })).file, path.join(cwd, 'given.yaml'));
    assert.equal((await findConfigFile({ env, cwd })).file, path.join(cwd, 'named.yaml'));
    await writeFile(path.join(cwd, 'mosaic-backup.yaml'), '');
    const found = await findConfigFile({ env: {}, cwd });
    assert.deepEqual(found, { file: path.join(cwd, 'mosaic-backup.yaml'), because: 'found in the current folder' });
  });

  it('says of a file that cannot be read why, and of a wrong one everything', async () => {
    const folder = await temporaryFolder();
    const missing = await isBackupError(loadSite({ file: path.join(folder, 'none.yaml'), env: {} }), 'config');
    assert.match(missing.message, /none\.yaml does not exist/);
    await mkdir(path.join(folder, 'folder.yaml'));
    assert.match(
      (await isBackupError(loadSite({ file: path.join(folder, 'folder.yaml'), env: {} }), 'config')).message,
      /EISDIR/,
    );
    const wrong = path.join(folder, 'wrong.yaml');
    await writeFile(wrong, 'site: a b\nrepository: x\n');
    const error = await isBackupError(loadSite({ file: wrong, env: {} }), 'config');
    assert.match(error.message, /5 problems in the config:\n.*wrong\.yaml:1:1: encryption: is missing/);
    assert.equal((error.facts['problems'] as readonly string[]).length, 5);
  });

  it('gives each host its own folders, and knows which one it is', async () => {
    const folder = await temporaryFolder();
    const own = hostname().split('.')[0] ?? '';
    const hosts = { [own]: {}, other: { repository: path.join(folder, 'elsewhere') } };
    const { file } = await makeSite({
      folder,
      hosts,
      coordinator: own,
      sources: { stack: { type: 'files', paths: ['/etc'], host: 'other' } },
    });
    for (const env of [{}, { MOSAIC_BACKUP_HOST: '' }]) {
      const here = await loadSite({ file, env });
      assert.deepEqual([here.host, here.repository], [own, path.join(folder, 'repository')]);
    }
    const other = await loadSite({ file, env: { MOSAIC_BACKUP_HOST: 'other' } });
    assert.deepEqual(
      [other.host, other.repository, other.state],
      ['other', path.join(folder, 'elsewhere'), path.join(folder, 'state')],
    );
    assert.equal((await loadSite({ file, host: own, env: { MOSAIC_BACKUP_HOST: 'other' } })).host, own);
    const unknown = await isBackupError(loadSite({ file, host: 'othre', env: {} }), 'config');
    assert.match(unknown.remedy ?? '', /Did you mean "other"/);
  });

  it('asks which host it is where that cannot be told', async () => {
    const folder = await temporaryFolder();
    const { file } = await makeSite({ folder, sources: SOURCES });
    const text = (await readFile(file, 'utf8')) + stringify({ hosts: { one: {}, two: {} }, coordinator: 'one' });
    await writeFile(file, text.replace('type: files', 'type: files\n    host: one'));
    const error = await isBackupError(loadSite({ file, env: {} }), 'config');
    assert.match(`${error.message} ${error.remedy}`, /cannot be told.*--host or MOSAIC_BACKUP_HOST: one, two/);
  });
});
