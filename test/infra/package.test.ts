import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporalProgram } from '../../client/temporal/program.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { makeSite } from '../support/site.ts';
import { ownTemporal } from '../support/ports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the published package', function () {
  this.timeout(480_000);
  after(cleanUp);

  it('packs, installs in an empty folder, and runs a backup there', async () => {
    const folder = await temporaryFolder();
    const installed = path.join(folder, 'installed');
    await mkdir(installed);
    await execa(process.execPath, [path.join(ROOT, 'infra/publish/build.ts'), folder], { cwd: ROOT });
    await execa('npm', ['pack', path.join(folder, 'package'), '--pack-destination', folder], { cwd: folder });
    const tarball = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
    assert.ok(tarball);
    await writeFile(path.join(installed, 'package.json'), '{ "private": true }');
    await execa('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', path.join(folder, tarball)], {
      cwd: installed,
    });

    const published = JSON.parse(
      await readFile(path.join(installed, 'node_modules/mosaic-backup/package.json'), 'utf8'),
    );
    assert.equal(published.optionalDependencies, undefined, 'runtimes of other platforms are for checkouts only');
    assert.equal(published.scripts, undefined);

    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'hello.txt'), 'hello');
    await mkdir(path.join(folder, 'vault'));
    const { file } = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: [data] } },
      temporal: await ownTemporal(),
    });
    const program = path.join(installed, 'node_modules/.bin/mosaic-backup');
    // The package's own way to start, by its first line, with the Node that runs the tests.
    const env = {
      PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`,
      XDG_CACHE_HOME: path.join(folder, 'cache'),
      TEMPORAL_CLI: await temporalProgram(),
    };
    const run = await execa(program, ['-c', file, '--json', 'run', 'daily'], { env, cwd: folder });
    assert.equal(JSON.parse(run.stdout).outcome, 'complete', run.stderr);
    await assert.rejects(stat(env.XDG_CACHE_HOME), { code: 'ENOENT' }, 'it bundles no workflows: it brings its bundle');
    const target = path.join(folder, 'restored');
    await execa(program, ['-c', file, 'restore', 'latest', '--source', 'data', '--to', target], { env, cwd: folder });
    assert.equal(await readFile(path.join(target, data, 'hello.txt'), 'utf8'), 'hello');
  });
});
