import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { ownTemporal } from '../../support/ports.ts';

const MAIN = fileURLToPath(new URL('../../../infra/quickstart/main.ts', import.meta.url));

describe('npm start -- -c FILE', () => {
  let folder: string;
  let file: string;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', 'hello.txt'), 'hello');
    ({ file } = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: [path.join(folder, 'data')] } },
      temporal: await ownTemporal(),
    }));
  });
  after(cleanUp);

  it('backs up, verifies, restores into scratch and checks, and leaves nothing there', async () => {
    const { stdout, exitCode } = await start('-c', file, '--once', '--prove', '--json');
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /"outcome": ?"complete"/);
    assert.match(stdout, /"proven"/);
  });

  it('ends with the exit code of a run of which only the own source of the host came through, and says what to do', async () => {
    await rm(path.join(folder, 'data'), { recursive: true });
    const impatient = path.join(folder, 'impatient.yaml');
    const waits = 'plans: { daily: { captureDeadline: 2s, retryFirst: 200ms, retryMax: 1s } }\n';
    await writeFile(impatient, `${await readFile(file, 'utf8')}\n${waits}`);
    const { stdout, stderr, exitCode } = await start('-c', impatient, '--once');
    assert.equal(exitCode, 3, stderr);
    assert.match(stdout + stderr, /What to do|→/);
  });

  function start(...args: string[]) {
    return execa(process.execPath, [MAIN, ...args], { reject: false, env: { TMPDIR: folder } });
  }
});
