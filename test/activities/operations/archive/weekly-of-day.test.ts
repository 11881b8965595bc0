import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { captureOrTake } from '../../../../activities/operations/archive/capture-or-take.ts';
import type { CaptureRequest } from '../../../../activities/operations/capture.ts';
import type { Site } from '../../../../activities/site.ts';
import { acquireLease } from '../../../../activities/storage/lease.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import { writeBackup } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork, type TestWork } from '../../../support/work.ts';

const SOURCE = 'stack';
/** A sunday. */
const NIGHT = '2026-11-22T02:00:00Z';

describe('the weekly in the night of a daily', () => {
  after(cleanUp);

  async function siteWith(options: Partial<Omit<SiteInput, 'sources'>> = {}): Promise<Site> {
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'what is backed up');
    const { site } = await makeSite({ folder, sources: { [SOURCE]: { type: 'files', paths: [data] } }, ...options });
    return site;
  }

  interface Asked {
    readonly site: Site;
    readonly plan: 'daily' | 'weekly' | 'monthly';
    readonly scheduled: string;
    readonly work?: TestWork;
    readonly busy?: number;
  }

  function request({ site, plan, scheduled, work = testWork(), busy = 0 }: Asked): CaptureRequest {
    return { site, source: SOURCE, tier: plan, runId: `${plan}-${scheduled}`, scheduled, attempt: 1, busy, work };
  }

  async function taken(asked: Asked): Promise<string> {
    return (await captureOrTake(request(asked))).backup.reference;
  }

  it('is given a moment where both begin in the same one', async () => {
    const site = await siteWith();
    const daily = taken({ site, plan: 'daily', scheduled: NIGHT, busy: 60_000 });
    await pause(300);
    const weekly = await taken({ site, plan: 'weekly', scheduled: '2026-11-22T01:00:00Z' });
    assert.equal(weekly, `weekly/${SOURCE}/20261122T010000Z-full`);
    assert.equal(await daily, weekly);
  });

  it('stands for no daily of another day, of long after, or of another time than the plan has', async () => {
    const site = await siteWith({ plans: { daily: { at: '09:00' } } });
    await taken({ site, plan: 'weekly', scheduled: '2026-11-22T01:00:00Z' });
    for (const scheduled of ['2026-11-22T05:00:00Z', '2026-11-22T09:00:00Z', '2026-11-23T09:00:00Z'])
      assert.match(await taken({ site, plan: 'daily', scheduled }), /^daily\//, scheduled);
    const late = await siteWith({ plans: { daily: { at: '00:30' }, weekly: { on: 'saturday', at: '22:00' } } });
    await taken({ site: late, plan: 'weekly', scheduled: '2026-11-21T22:00:00Z' });
    assert.match(await taken({ site: late, plan: 'daily', scheduled: '2026-11-22T00:30:00Z' }), /^daily\//);
  });

  it('goes by the calendar of the site', async () => {
    const site = await siteWith({ timeZone: 'Asia/Tokyo' });
    const weekly = await taken({ site, plan: 'weekly', scheduled: '2026-11-21T16:00:00Z' });
    assert.equal(await taken({ site, plan: 'daily', scheduled: '2026-11-21T17:00:00Z' }), weekly);
  });

  it('stands for nothing where a stranger has signed it', async () => {
    const site = await siteWith();
    const stranger = signer(newSigningKey().privatePem);
    const scheduled = '2026-11-22T01:00:00Z';
    await writeBackup(site.repository, { source: SOURCE, group: 'apps', tier: 'weekly', scheduled, signer: stranger });
    assert.match(await taken({ site, plan: 'daily', scheduled: NIGHT }), /^daily\//);
  });

  it('is waited for by the monthly too, where it is late', async () => {
    const site = await siteWith();
    await taken({ site, plan: 'daily', scheduled: '2026-11-20T02:00:00Z' });
    const scheduled = '2026-11-22T01:00:00Z';
    const signal = new AbortController().signal;
    const of = { state: site.state, name: SOURCE, step: `weekly-${scheduled}/${SOURCE}`, wait: 0, signal };
    await acquireLease({ ...of, attempt: 1 });
    const monthly = taken({ site, plan: 'monthly', scheduled: '2026-11-22T06:00:00Z' });
    await pause(300);
    const weekly = await captureOrTake({ ...request({ site, plan: 'weekly', scheduled }), attempt: 2 });
    assert.equal(await monthly, weekly.backup.reference);
  });

  it('is waited for no longer when the daily is cancelled, and a capture of anybody else is not waited for like it', async () => {
    const site = await siteWith();
    const signal = new AbortController().signal;
    const of = { state: site.state, name: SOURCE, attempt: 1, wait: 0, signal };
    const weekly = await acquireLease({ ...of, step: `weekly-2026-11-22T01:00:00Z/${SOURCE}` });
    const work = testWork();
    const waiting = taken({ site, plan: 'daily', scheduled: NIGHT, work });
    await pause(200);
    work.abort();
    await assert.rejects(waiting, { code: 'aborted' });
    await weekly.release();
    const other = await acquireLease({ ...of, step: `weekly-2026-11-15T01:00:00Z/${SOURCE}` });
    await assert.rejects(taken({ site, plan: 'daily', scheduled: NIGHT }), { code: 'busy' });
    await other.release();
  });
});
