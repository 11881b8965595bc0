import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../../activities/config/parse.ts';
import { timesInWords, timetable } from '../../../client/schedules/timetable.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const EXAMPLE = fileURLToPath(new URL('../../../infra/example/mosaic-backup.yaml', import.meta.url));

describe('the timetable of a site', () => {
  after(cleanUp);

  it("is the strategy's own in the example config, told without a Temporal and on whatever machine", async () => {
    const { code, stdout, stderr } = await mosaicHere(['-c', EXAMPLE, 'schedules', 'apply', '--dry-run']);
    assert.equal(code, 0, stderr);
    const lines = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '));
    assert.deepEqual(
      lines.slice(0, 8).map((line) => line.split('  ').slice(0, 3)),
      [
        ['plan', 'days', 'begins'],
        ['daily', 'every day', 'databases 02:00, apps 02:30, system 03:00, configs 03:00'],
        ['weekly', 'every sunday', 'databases 01:00, apps 02:00, system 03:00, configs 03:00'],
        ['monthly', 'the first sunday of the month', '06:00, one group after the other'],
        ['restore-test', 'the second sunday of the month', '08:00'],
        ['drill', 'the third sunday of january, april, july and october', '09:00'],
        ['catch-up', 'every 15m', lines[6]?.split('  ')[2]],
        ['logs', 'every 5m', lines[7]?.split('  ')[2]],
      ],
    );
    assert.match(stdout, /What would change is not known/);
  });

  it('is not told of a config that is wrong', async () => {
    const file = path.join(await temporaryFolder(), 'config.yaml');
    await writeFile(file, (await readFile(EXAMPLE, 'utf8')).replace('on: sunday', 'on: someday'));
    const { code, stderr } = await mosaicHere(['-c', file, 'schedules', 'apply', '--dry-run']);
    assert.equal(code, 2);
    assert.match(stderr, /plans\.weekly\.on: not days/);
  });

  it('has the next five times of each plan, to the minute', async () => {
    const parsed = parseConfig(await readFile(EXAMPLE, 'utf8'), EXAMPLE, {});
    assert.ok(parsed.ok);
    const now = Date.parse('2026-12-30T23:58:30Z');
    const next = new Map(timetable(parsed.config, now).map((entry) => [entry.plan, entry.next]));
    assert.equal(
      timesInWords(next.get('daily') ?? [], 'UTC'),
      'thu 2026-12-31 02:00, fri 2027-01-01 02:00, sat 01-02 02:00, sun 01-03 02:00, mon 01-04 02:00',
    );
    assert.equal(timesInWords(next.get('logs') ?? [], 'UTC'), 'thu 2026-12-31 00:00, 00:05, 00:10, 00:15, 00:20');
    assert.equal(
      timesInWords((next.get('weekly') ?? []).slice(0, 2), 'Asia/Tokyo'),
      'sun 2027-01-03 10:00, sun 01-10 10:00',
    );
  });
});
