import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSite } from '../../../../activities/config/load.ts';
import { recipientOf } from '../../../../activities/keys/identity.ts';
import { samplePlace } from '../../../../infra/quickstart/sample/place.ts';
import { makeKeys, writeConfig } from '../../../../infra/quickstart/sample/settings.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

describe('sample: its config', () => {
  after(cleanUp);

  it('can rehearse the loss of its first key: the second identity is another recipient', async () => {
    const folder = path.join(await temporaryFolder(), 'sample');
    const place = samplePlace({ MOSAIC_SAMPLE: folder });
    for (const each of [folder, place.vault]) await mkdir(each, { recursive: true });
    await makeKeys(place);
    await writeConfig(place, { databases: {}, destinations: {} });
    const site = await loadSite({ file: place.config, env: process.env });
    const { secondIdentity } = site.config.plans.drill;
    assert.ok(secondIdentity && 'file' in secondIdentity);
    const [, second] = site.config.encryption.recipients;
    assert.equal(await recipientOf((await readFile(secondIdentity.file, 'utf8')).trim()), second);
  });
});
