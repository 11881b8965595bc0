import assert from 'node:assert/strict';
import { acceptsOf } from '../../../activities/storage/accepts.ts';
import { encodeManifest } from '../../../activities/storage/manifest-file.ts';
import { TEST_KEY, testBackup } from '../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

describe('a manifest in a bucket with versions', () => {
  after(cleanUp);

  it('is believed in its own folder alone, also where the bucket keeps it for a vault', async () => {
    const { site } = await makeSite({
      folder: await temporaryFolder(),
      sources: { postgres: { type: 'files', paths: ['/etc/hostname'] } },
      signing: { trusted: [TEST_KEY.publicKey] },
    });
    // Without an identity at hand: whose key it holds is not looked at.
    const { identity: _identity, ...encryption } = site.config.encryption;
    const accepts = acceptsOf({ ...site, config: { ...site.config, encryption } });
    const { folder, manifest } = testBackup();
    const bytes = encodeManifest(manifest);
    const other = folder.replace(/\d{8}T/, '20200101T');
    const asked = [folder, `vaults/old-vault/${folder}`, other, `vaults/old-vault/${other}`, `vaults/${folder}`];
    const found = await Promise.all(asked.map((each) => accepts(`${each}/manifest.json`, bytes)));
    assert.deepEqual(found, [true, true, false, false, false]);
  });
});
