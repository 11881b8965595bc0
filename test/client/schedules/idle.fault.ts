/** A Temporal to which nobody has said anything for a while, as a site has it for most of the day. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { existingSchedules } from '../../../client/schedules/existing.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { temporalOfTests } from '../../support/temporal-process.ts';

/** Milliseconds after which the server takes a worker for gone that has asked for nothing new, and twice that. */
const IDLE = [25_000, 50_000];

describe('an idle Temporal', function () {
  this.timeout(180_000);
  const running = temporalOfTests();

  it('tells of its schedules, which are workflows of a worker of its own', async () => {
    const temporal = running();
    const folder = await temporaryFolder();
    const sources = { stack: { type: 'files' as const, paths: [await temporaryFolder()] } };
    const { file } = await makeSite({ folder, sources, temporal: { address: temporal.address } });
    const applied = await mosaicHere(['-c', file, 'schedules', 'apply']);
    assert.equal(applied.code, 0, applied.stderr);
    for (const idle of IDLE) {
      await pause(idle);
      const found = await existingSchedules(temporal.client(), 'test', []);
      assert.ok(found.length > 3);
    }
  });
});
