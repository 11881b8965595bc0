/** The servers of the sample that take copies: started with the same keys each time, used, and ended. */
import assert from 'node:assert/strict';
import { access, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { bucket } from '../../../../infra/quickstart/sample/bucket.ts';
import { endStrayServers } from '../../../../infra/quickstart/sample/leftovers.ts';
import { offsite } from '../../../../infra/quickstart/sample/offsite.ts';
import { samplePlace } from '../../../../infra/quickstart/sample/place.ts';
import { listens } from '../../../../infra/quickstart/sample/ports.ts';
import type { RunningRemote, SampleRemote } from '../../../../infra/quickstart/sample/remote.ts';
import { REMOTES } from '../../../../infra/quickstart/sample/remotes.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';

const SECRETS = new Map([
  [bucket, 's3-secret'],
  [offsite, 'ssh-login'],
]);

describe("the sample's servers for copies", () => {
  after(cleanUp);

  for (const remote of REMOTES) {
    it(`take files, and what a killed start has left is ended: ${remote.destination}`, async () => {
      const place = samplePlace({ MOSAIC_SAMPLE: await temporaryFolder() });
      await mkdir(place.keys);
      const first = await remote.start(place);
      const secret = await readSecret(place.keys, remote);
      await endStrayServers(`${place.root}-of-somebody-else`, REMOTES);
      assert.equal(await answers(first), true, "another sample's is left alone");
      await endStrayServers(place.root, REMOTES);
      assert.equal(await answers(first), false);
      const second = await remote.start(place);
      try {
        assert.equal(await readSecret(place.keys, remote), secret);
        const { site } = await makeSite({
          folder: await temporaryFolder(),
          sources: { stack: { type: 'files', paths: ['/etc/hostname'] } },
          destinations: { there: second.config },
        });
        const destination = openDestination('there', site);
        await destination.putSmall('a/b', Buffer.from('copied'), { replace: false });
        assert.equal(Buffer.from((await destination.readSmall('a/b')) ?? []).toString(), 'copied');
        await (await destination.pruner())?.remove('a/b');
        assert.equal(await destination.readSmall('a/b'), undefined);
      } finally {
        await second.stop();
      }
      assert.equal(await answers(second), false);
    });
  }

  it('get a new key where a start was killed before it had made it whole', async () => {
    const place = samplePlace({ MOSAIC_SAMPLE: await temporaryFolder() });
    await mkdir(place.keys);
    await (await offsite.start(place)).stop();
    await rm(path.join(place.keys, 'ssh-login.pub'));
    const cut = await readSecret(place.keys, offsite);
    await (await offsite.start(place)).stop();
    assert.notEqual(await readSecret(place.keys, offsite), cut);
    await access(path.join(place.keys, 'ssh-login.pub'));
  });
});

function readSecret(keys: string, remote: SampleRemote): Promise<string> {
  return readFile(path.join(keys, SECRETS.get(remote) ?? ''), 'utf8');
}

async function answers({ config }: RunningRemote): Promise<boolean> {
  if (config.type === 'rsync') return listens(config.port ?? 22);
  assert.ok(config.type === 's3' && config.endpoint !== undefined);
  return listens(Number(new URL(config.endpoint).port));
}
