import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startDrilled, stopDrilled } from '../../../../activities/operations/drill/services.ts';
import { sweepOthers, sweepSandboxes } from '../../../../activities/operations/drill/sweep.ts';
import { sweepLeft } from '../../../../activities/operations/sweep-left.ts';
import type { Site } from '../../../../activities/site.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { processesNaming } from '../../../support/processes.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { folderOf, recovered } from './recovered.ts';

const DAY = 86_400_000;
const START = { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] };

describe('what drills have left', function () {
  this.timeout(60_000);
  let folder: string;
  let scratch: string;
  let site: Site;

  beforeEach(async () => {
    folder = await temporaryFolder();
    scratch = path.join(folder, 'scratch');
    await mkdir(scratch);
    await mkdir(path.join(folder, 'wiki'));
    await writeFile(path.join(folder, 'wiki', 'page'), 'a page');
    ({ site } = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [path.join(folder, 'wiki')], start: START } },
      plans: { drill: { scratch } },
    }));
  });
  after(cleanUp);

  it('goes when no drill can last so long, with its servers; a young one of the site stays, and its servers', async () => {
    const [old, young] = [await recovered(site, 'wiki', Date.now() - 60_000), await recovered(site, 'wiki')];
    for (const drill of [old, young]) await startDrilled(drill);
    const servers = () => [old, young].map((drill) => processesNaming(folderOf(drill)).length > 0);
    assert.deepEqual(servers(), [true, true]);
    await aged(folderOf(old), 8);
    await sweepSandboxes(site);
    assert.deepEqual(await readdir(scratch), [path.basename(folderOf(young))]);
    assert.deepEqual(servers(), [false, true]);
    await stopDrilled(site, young.input);
    assert.deepEqual(servers(), [false, false]);
  });

  it("is not what another site's drills have there, nor what is nobody's, however old; of a link the link goes", async () => {
    const others = [
      // Of the site "test-2", and of "test-20261120".
      'mosaic-drill-test-2-20261120T090000Z',
      'mosaic-drill-test-20261120-20261120T090000Z',
      'mosaic-drill-other-20261120T090000Z',
      'mosaic-drill-test-notes',
      'mosaic-drill-test-',
      'mosaic-proof-test-20261120T090000Z',
      'photos',
    ];
    const own = 'mosaic-drill-test-20261120T090000Z';
    const elsewhere = path.join(folder, 'elsewhere');
    for (const name of [...others, own]) await aged(await made(path.join(scratch, name)), 400);
    await made(elsewhere);
    await symlink(elsewhere, path.join(scratch, 'mosaic-drill-test-20261121T090000Z'));
    await sweepSandboxes(site, Date.now() + 8 * DAY);
    assert.deepEqual((await readdir(scratch)).toSorted(), others.toSorted());
    assert.deepEqual(await readdir(elsewhere), ['file']);
    // The next drill of the site does the same, however young.
    await made(path.join(scratch, own));
    await sweepOthers(site, { runId: 'drill-2026-11-22T09:00:00Z' });
    assert.deepEqual((await readdir(scratch)).toSorted(), others.toSorted());
  });

  it('stays while a drill may last that has long deadlines', async () => {
    const { drill } = site.config.plans;
    const patient = {
      ...site,
      config: { ...site.config, plans: { ...site.config.plans, drill: { ...drill, deadline: 5 * DAY } } },
    };
    const name = 'mosaic-drill-test-20261120T090000Z';
    await aged(await made(path.join(scratch, name)), 30);
    await sweepSandboxes(patient);
    assert.deepEqual(await readdir(scratch), [name]);
    await sweepSandboxes(site);
    assert.deepEqual(await readdir(scratch), []);
  });

  it('is named in the log where it cannot be looked at, and nobody is kept from work', async () => {
    await rm(scratch, { recursive: true });
    // As a mount that has gone stale: reading it fails.
    await symlink(scratch, scratch);
    const work = testWork();
    await sweepLeft(site, work.log);
    assert.match(work.logged.join('\n'), /^warn what restore tests or drills have left could not be removed .*ELOOP/m);
  });
});

async function made(place: string): Promise<string> {
  await mkdir(place);
  await writeFile(path.join(place, 'file'), 'plaintext');
  return place;
}

async function aged(place: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * DAY);
  await utimes(place, then, then);
}
