import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { prepareRepository } from '../../../activities/storage/repository.ts';
import type { Site } from '../../../activities/site.ts';
import { siteStatus } from '../../../client/backups/status.ts';
import { lookAtBackups } from '../../../client/watchdog/backups.ts';
import { writeBackup } from '../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

const DAY = 86_400_000;

describe('a backup that a wrong clock has dated into the future', () => {
  let site: Site;
  const now = Date.now();

  before(async () => {
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'hello');
    ({ site } = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: [data] }, well: { type: 'files', paths: [data] } },
    }));
    await prepareRepository(site);
    await made('data', 0);
    await made('data', 400);
    await made('well', 59);
    await made('well', 0);
  });
  after(cleanUp);

  async function made(source: string, days: number): Promise<void> {
    const scheduled = new Date(now + days * DAY).toISOString().replace(/\.\d+Z$/, 'Z');
    await writeBackup(site.repository, { source, group: 'apps', scheduled, signer: await siteSigner(site) });
  }

  /** What the watchdog and status say of the two, so many days from now. */
  async function said(days: number) {
    const at = now + days * DAY;
    const { found } = await lookAtBackups(site, at);
    const { sources, findings } = await siteStatus(site, at);
    const told = found.flatMap(({ alert, source }) =>
      source === 'data' || source === 'well' ? [`${source} ${alert}`] : [],
    );
    const ages = ['data', 'well'].map((name) => sources.find(({ source }) => source === name)?.age ?? null);
    const codes = findings.flatMap(({ code, subject }) =>
      /status\.(?:overdue|future|strange)/.test(code) && (subject === 'data' || subject === 'well')
        ? [`${subject} ${code}`]
        : [],
    );
    return {
      told: told.toSorted(),
      codes: codes.toSorted(),
      days: ages.map((age) => age && Math.round(age / DAY)),
      found,
    };
  }

  it('hides from nobody that nothing comes any more, and is told itself until its day has come', async () => {
    const late = await said(60);
    assert.deepEqual(late.told, ['data backup-future', 'data backup-overdue']);
    assert.deepEqual(late.codes, ['data status.future', 'data status.overdue']);
    assert.deepEqual(late.days, [60, 1]);
    const future = late.found.find(({ alert }) => alert === 'backup-future');
    assert.match(future?.message ?? '', /^data: daily\/data\/\S+ is of the future by our clock/);
    const there = await said(400.5);
    assert.deepEqual(there.told, ['well backup-overdue']);
    assert.deepEqual(there.days, [1, 342]);
  });

  it('is told where nothing else is there either', async () => {
    const early = await said(-1);
    assert.deepEqual(early.told, [
      'data backup-future',
      'data backup-overdue',
      'well backup-future',
      'well backup-overdue',
    ]);
    assert.deepEqual(early.codes, ['data status.future', 'well status.future']);
    assert.deepEqual(early.days, [null, null]);
  });
});
