import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSite } from '../../../activities/config/load.ts';
import { patiently, untilMended } from '../../../activities/config/open-again.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

describe('the config that steps read anew', function () {
  this.timeout(20_000);
  let file: string;
  let whole: string;

  before(async () => {
    const folder = await temporaryFolder();
    ({ file } = await makeSite({ folder, sources: { stack: { type: 'files', paths: [`${folder}/data`] } } }));
    whole = await readFile(file, 'utf8');
  });
  afterEach(() => writeFile(file, whole));
  after(cleanUp);

  const open = () => loadSite({ file, env: {} });

  it('is looked at again where an editor is just writing it, or has it under another name', async () => {
    for (const breaking of [() => writeFile(file, `${whole}\nsources: {`), () => rm(file)]) {
      await breaking();
      await isBackupError(open(), 'config');
      const opening = patiently(open)();
      await pause(400);
      await writeFile(file, whole);
      assert.equal((await opening).config.site, 'test');
    }
  });

  it('is told of where it stays broken, and what may wait for it is tried again', async () => {
    await writeFile(file, `${whole}\nsources: {`);
    assert.equal((await isBackupError(patiently(open)(), 'config')).retryable, false);
    const error = await isBackupError(untilMended(open)(), 'config');
    assert.equal(error.retryable, true);
    assert.match(error.remedy ?? '', /config check/);
  });
});
