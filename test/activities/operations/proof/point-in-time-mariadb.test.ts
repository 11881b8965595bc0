import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import type { Site } from '../../../../activities/site.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { listed, SOURCE } from '../../sources/mariadb/backups.ts';
import { captureNow, shipNow } from '../../sources/served.ts';
import { withinOf } from './proving.ts';

describe('a restore test of a MariaDB with logs', function () {
  this.timeout(120_000);
  let folder: string;
  let server: TestMariadb;
  let site: Site;
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE DATABASE shop; CREATE TABLE shop.t (id int PRIMARY KEY)');
    await captureNow(site, scheduled());
    for (const id of [1, 2, 3]) {
      await server.sql(`INSERT INTO shop.t VALUES (${id}); DO SLEEP(1.1)`);
      await shipNow(site, scheduled());
    }
  });

  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('replays them to a moment within them', async () => {
    const choice = await chosen();
    const logs = await shipped();
    const until = logs.at(-1)?.manifest.coversUntil ?? '';
    assert.ok(choice.at !== null && Date.parse(choice.at) <= Date.parse(until), `${choice.at} ${until}`);
    assert.equal(choice.beyond, null);
    const { compared, notCompared } = await proven(choice);
    assert.ok(compared.includes('point in time'), notCompared.join());
    assert.deepEqual(await readdir(withinOf(folder)), []);
  });

  it('flaw: logs that lack what they say they hold', async () => {
    const choice = await chosen();
    const last = (await shipped()).at(-1);
    assert.ok(last);
    const [artifact = ''] = last.manifest.artifacts.map(({ name }) => path.join(site.repository, last.folder, name));
    await rename(artifact, `${artifact}.away`);
    const target = { ...choice, at: last.manifest.coversUntil ?? choice.at };
    const error = await isBackupError(proven(target), 'verification-failed');
    assert.match(error.message, /point in time: /);
    await rename(`${artifact}.away`, artifact);
    assert.ok((await proven(target)).compared.includes('point in time'));
  });

  it('flaw: a whole backup of logs that is gone is said to be a hole', async () => {
    const [, second] = await shipped();
    assert.ok(second);
    const away = path.join(folder, path.basename(second.folder));
    await rename(path.join(site.repository, second.folder), away);
    const choice = await chosen();
    const { notCompared } = await proven(choice);
    await rename(away, path.join(site.repository, second.folder));
    assert.match(notCompared.join('\n'), /^logs behind a hole: logs until 20\S+ are there, and /m);
  });

  /** Backups of logs, the oldest first. */
  async function shipped() {
    return (await listed(site)).filter(({ manifest }) => manifest.kind === 'logs');
  }

  function chosen() {
    return chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
  }

  function proven(choice: Parameters<typeof proveTest>[0]['choice']) {
    return proveTest({ site, source: SOURCE, choice, within: withinOf(folder), work: testWork() });
  }
});
