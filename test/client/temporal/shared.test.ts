import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { loadSite } from '../../../activities/config/load.ts';
import { isSharedByNone, requireShared } from '../../../client/temporal/shared.ts';
import { json, mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';

const found = z.looseObject({ findings: z.array(z.looseObject({ code: z.string(), message: z.string() })) });

describe('the Temporal of a site of several hosts, where no address is set', () => {
  let folder: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    test = await makeSite({
      folder,
      hosts: { one: {}, two: { repository: path.join(folder, 'other'), state: path.join(folder, 'other-state') } },
      coordinator: 'one',
      sources: { data: { type: 'files', host: 'two', paths: ['/etc/hostname'] } },
    });
  });
  after(cleanUp);

  it('is none that another host than the coordinator brings: no step would ever come there', async () => {
    for (const command of [['up'], ['worker'], ['run', 'daily']]) {
      const ended = await on('two', ...command);
      assert.equal(ended.code, 2, command.join(' '));
      assert.match(ended.stderr, /"two" does not know which Temporal is the site's.*"one" plans/);
      assert.match(ended.stderr, /→ Set temporal\.address .*mosaic-backup worker/);
    }
    assert.equal(existsSync(path.join(folder, 'other-state', 'temporal')), false);
  });

  it('is found lacking by doctor on each host, and by nobody where Temporal itself knows an address', async () => {
    for (const host of ['one', 'two']) {
      const { findings } = found.parse(json(await on(host, '--json', 'doctor')));
      assert.match(findings.find(({ code }) => code === 'temporal.not-shared')?.message ?? '', /loopback alone/, host);
    }
    const two = await loadSite({ file: test.file, host: 'two' });
    const env = { HOME: folder, XDG_CONFIG_HOME: folder };
    assert.equal(isSharedByNone(two, env), true);
    await assert.rejects(requireShared(two, env), { code: 'config' });
    const known = { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1111' };
    assert.equal(isSharedByNone(two, known), false);
    await requireShared(two, known);
    await requireShared(test.site, env);
  });

  function on(host: string, ...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', test.file, '--host', host, ...args]);
  }
});
