/** A site of two hosts whose coordinator is down: another host's worker goes on with the workflows, and nobody plans a run. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';

describe('a run whose coordinator is down', function () {
  this.timeout(120_000);
  let folder: string;
  let file: string;
  let temporal: TemporalProcess;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'of a stack');
    const own = { repository: path.join(folder, 'far-repository'), state: path.join(folder, 'far-state') };
    ({ file } = await makeSite({
      folder,
      hosts: { near: {}, far: own },
      coordinator: 'near',
      sources: { stack: { type: 'files', host: 'near', paths: [data] } },
      temporal: { address: temporal.address },
    }));
    await start('far', 'worker').printed('serves test');
  });

  after(async () => {
    await Promise.all(started.map((one) => one.end()));
    await temporal?.stop();
    await cleanUp();
  });

  it('says so where it is started and where it is looked at, and goes on by itself when that is back', async () => {
    const run = start('far', 'run', 'daily', '--source', 'stack');
    await run.printed('is not planned yet: the coordinator does not answer');
    await run.printed('What to do: Start it there');
    const [id = ''] = /daily-20[0-9TZ:-]+/.exec(run.output()) ?? [];
    const shown = await command('show', id);
    assert.match(
      shown.stdout,
      /: waiting\n.*! plan: waiting.*\n.*the coordinator does not answer.*until 20.*\n.*What to do: /,
    );
    assert.match((await command('list')).stdout, new RegExp(`${id} +waiting .* plan`));
    for (const what of ['retry', 'skip']) {
      const refused = await command(what, id, '--step', 'plan');
      assert.equal(refused.code, 7, refused.stderr);
      assert.match(refused.stderr, /it is not planned yet: the coordinator does not answer/);
    }
    await start('near', 'worker').printed('serves test');
    assert.equal((await run.ended).code, 0, run.output());
    assert.match((await command('show', id)).stdout, /: complete\n +✔ plan: done/);
  });

  function start(host: string, ...args: readonly string[]): CommandProcess {
    const process = startCommand({ args: ['-c', file, '--host', host, ...args], owner: folder });
    started.push(process);
    return process;
  }

  function command(...args: readonly string[]) {
    return mosaicHere(['-c', file, '--host', 'far', 'runs', ...args]);
  }
});
