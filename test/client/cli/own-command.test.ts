import assert from 'node:assert/strict';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { ownCommand } from '../../../client/cli/own-command.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

describe('a command inside another process', () => {
  let folder: string;
  let file: string;
  const restore = (to: string): readonly string[] => {
    const options = ['--to', to, '--accept-age', '--direct'];
    return ['-c', file, 'restore', 'daily/stack/20260101T000000Z-full', ...options];
  };

  before(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'text');
    const { site, file: config } = await makeSite({ folder, sources: { stack: { type: 'files', paths: [data] } } });
    file = config;
    const scheduled = '2026-01-01T00:00:00Z';
    const run = { site, source: 'stack', tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
    await captureBackup({ ...run, attempt: 1, busy: 0, work: testWork() });
  });
  after(cleanUp);

  it('gives its result, and leaves the signals of the process alone', async () => {
    const to = path.join(folder, 'restored');
    const before = process.listenerCount('SIGTERM');
    const restoring = ownCommand(restore(to), new AbortController().signal);
    assert.equal(process.listenerCount('SIGTERM'), before);
    const { plain } = JSON.parse((await restoring).stdout);
    assert.ok(plain > 0);
    assert.equal(await readFile(path.join(to, folder, 'data', 'file'), 'utf8'), 'text');
  });

  it('gives its error as a document too, and ends when it is told to', async () => {
    const missing = await ownCommand(['-c', '/nowhere/config.yaml', 'list'], new AbortController().signal);
    assert.equal(JSON.parse(missing.stdout).error.code, 'config');
    const to = path.join(folder, 'ended');
    const { stdout } = await ownCommand(restore(to), AbortSignal.abort());
    assert.equal(JSON.parse(stdout).error.code, 'aborted', stdout);
    await assert.rejects(access(to));
  });
});
