/** What a restore loads before it does anything: it is begun by hand in a disaster. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { credentialFiles } from '../../support/versitygw.ts';
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

const REFERENCE = 'daily/stack/20260101T000000Z-full';

describe('a restore in its own process', () => {
  let file: string;
  let data: string;
  let asked = 0;
  const elsewhere = createServer((connection) => {
    asked += 1;
    connection.destroy();
  });

  before(async () => {
    const folder = await temporaryFolder();
    data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'text');
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const address = elsewhere.address();
    assert.ok(address !== null && typeof address !== 'string');
    const endpoint = `http://127.0.0.1:${address.port}`;
    const made = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [data] } },
      destinations: { remote: { type: 's3', bucket: 'backups', endpoint, credentials: await credentialFiles(folder) } },
    });
    file = made.file;
    const scheduled = '2026-01-01T00:00:00Z';
    const run = { site: made.site, source: 'stack', tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
    await captureBackup({ ...run, attempt: 1, busy: 0, work: testWork() });
  });
  after(async () => {
    elsewhere.close();
    await cleanUp();
  });

  /** Of a backup that is named, from a place that is named. */
  async function restore(env: Readonly<Record<string, string>>, ...node: readonly string[]): Promise<void> {
    const to = path.join(await temporaryFolder(), 'restored');
    const args = ['-c', file, 'restore', REFERENCE, '--from', 'repository', '--to', to, '--direct'];
    await execa(process.execPath, [...node, MAIN, ...args], { env });
    assert.equal(await readFile(path.join(to, data, 'file'), 'utf8'), 'text');
  }

  it('asks no other place than the one that is named: in a disaster one that is gone would be waited for', async () => {
    await restore({});
    assert.equal(asked, 0);
  });

  it('loads neither Temporal nor what talks to Docker', async () => {
    const LOADED = path.join(await temporaryFolder(), 'loaded');
    await restore({ LOADED }, '--import', `data:text/javascript,${encodeURIComponent(NOTING)}`);
    const loaded = new Set((await readFile(LOADED, 'utf8')).split('\n'));
    assert.ok(loaded.has('zod'), 'what is loaded is noted');
    assert.deepEqual(
      [...loaded].filter((name) => name.startsWith('@temporalio/') || name === 'dockerode'),
      [],
    );
  });
});
