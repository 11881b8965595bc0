/** What a restore loads before it does anything: it is begun by hand in a disaster. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const MAIN = fileURLToPath(new URL('../../../client/cli/main.ts', import.meta.url));
/** Names of packages that are loaded, in a file. */
const NOTING = `
import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) {
  const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
  if (name) appendFileSync(process.env.LOADED, name + '\\n');
  return next(url, context);
} });`;

describe('a restore in its own process', () => {
  after(cleanUp);

  it('loads neither Temporal nor what talks to Docker', async () => {
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'text');
    const { site, file } = await makeSite({ folder, sources: { stack: { type: 'files', paths: [data] } } });
    const scheduled = '2026-01-01T00:00:00Z';
    const run = { site, source: 'stack', tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
    await captureBackup({ ...run, attempt: 1, busy: 0, work: testWork() });
    const [LOADED, to] = [path.join(folder, 'loaded'), path.join(folder, 'restored')];
    const args = ['-c', file, 'restore', 'daily/stack/20260101T000000Z-full', '--to', to, '--direct'];
    const noting = `data:text/javascript,${encodeURIComponent(NOTING)}`;
    await execa(process.execPath, ['--import', noting, MAIN, ...args], { env: { LOADED } });
    assert.equal(await readFile(path.join(to, data, 'file'), 'utf8'), 'text');
    const loaded = new Set((await readFile(LOADED, 'utf8')).split('\n'));
    assert.ok(loaded.has('zod'), 'what is loaded is noted');
    assert.deepEqual(
      [...loaded].filter((name) => name.startsWith('@temporalio/') || name === 'dockerode'),
      [],
    );
  });
});
