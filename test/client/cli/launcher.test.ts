import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { json, LAUNCHER, mosaic } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

describe('the command line', () => {
  let folder: string;
  let config: string;

  before(async () => {
    folder = await temporaryFolder();
    ({ file: config } = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [path.join(folder, 'data')] } },
    }));
    await mkdir(path.join(folder, 'data'));
  });
  after(cleanUp);

  it('works from any folder, and through a link', async () => {
    const link = path.join(folder, 'linked');
    await symlink(LAUNCHER, link);
    const { spawnSync } = await import('node:child_process');
    const { status, stdout } = spawnSync(link, ['--version'], { cwd: '/', encoding: 'utf8' });
    const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.deepEqual([status, stdout.trim()], [0, version]);
  });

  it('keeps compiled code in the checkout alone, whatever the environment says', async () => {
    const elsewhere = path.join(folder, 'planted');
    assert.equal((await mosaic(['--version'], { env: { NODE_COMPILE_CACHE: elsewhere, TMPDIR: folder } })).code, 0);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => /planted|compile/.test(name)),
      [],
    );
    assert.ok((await readdir(path.join(path.dirname(LAUNCHER), '../node_modules/.cache/mosaic-backup'))).length > 0);
  });

  it('ends wrong usage with 2 and a suggestion, on stderr', async () => {
    for (const [args, words] of [
      [['lsit'], /Unknown command 'lsit'\.\n.*Did you mean list\?/],
      [['list', '--sorce', 'x'], /Unknown option '--sorce'\.\n.*Did you mean --source\?/],
      [['restore', 'latest'], /Say one of --to FOLDER, .*\n.*See: mosaic-backup restore --help/],
      [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish\.\n.*See `mosaic-backup completion --help`/],
      [[], /No command was given/],
      [['config'], /No command was given/],
    ] as const) {
      const { code, stdout, stderr } = await mosaic(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, words);
    }
  });

  it('prints errors as the one JSON document on stdout under --json, wrong usage too', async () => {
    const usage = await mosaic(['lsit', '--json']);
    assert.equal(usage.code, 2);
    assert.deepEqual(Object.keys(json(usage).error ?? {}), ['code', 'message', 'remedy', 'retryable', 'facts']);
    const missing = await mosaic(['--json', 'list', '-c', path.join(folder, 'none.yaml')]);
    assert.deepEqual(
      [missing.code, json(missing).error?.code, json(missing).error?.retryable, missing.stderr],
      [2, 'config', false, ''],
    );
    const unknown = await mosaic(['show', 'nothing', '--json', '-c', config]);
    assert.deepEqual([unknown.code, json(unknown).error?.code], [6, 'not-found']);
  });

  it('says with -v which config it goes by', async () => {
    const { stderr } = await mosaic(['list', '-v'], { cwd: folder, env: { MOSAIC_BACKUP_CONFIG: config } });
    assert.match(stderr, new RegExp(`config  file=${config}  because=named by MOSAIC_BACKUP_CONFIG`));
  });

  it('checks a config: 0 when it is good, 2 with every problem and its place when not', async () => {
    assert.equal((await mosaic(['config', 'check', '-c', config])).code, 0);
    const wrong = path.join(folder, 'wrong.yaml');
    await writeFile(
      wrong,
      (await readFile(config, 'utf8')).replace('repository:', 'repositry:').replace('type: files', 'type: fils'),
    );
    const told = await mosaic(['config', 'check', '-c', wrong, '--json']);
    assert.equal(told.code, 2);
    assert.deepEqual(
      json(told).problems?.map(({ line, column, path }) => `${line}:${column} ${path}`),
      ['1:1 repository', '2:1 repositry', '21:11 sources.stack.type'],
    );
    const shown = await mosaic(['config', 'show', '-c', config]);
    assert.match(shown.stdout, /captureDeadline: 2h/);
  });

  it('ends with 10 when doctor finds problems, and lists all', async () => {
    const found = await mosaic(['doctor', '--json', '-c', config]);
    assert.equal(found.code, 10, found.stdout + found.stderr);
    const codes = (json(found).findings ?? []).map(({ code }) => code);
    assert.ok(codes.includes('keys.kit-unconfirmed') && codes.includes('destination.same-device'), codes.join());
    for (const { remedy } of json(found).findings ?? []) assert.ok(remedy);
  });

  it('completes names out of the config that the half-written line names', async () => {
    assert.deepEqual(
      (await mosaic(['complete', '--', '-c', config, 'list', '--source', ''])).stdout,
      'stack\t\nmosaic-backup-local\t',
    );
    assert.deepEqual((await mosaic(['complete', '--', '-c', '/nowhere', 'list', '--source', ''])).code, 0);
  });

  it('starts no run for a time to come', async () => {
    const { code, stderr } = await mosaic(['-c', config, 'run', 'daily', '--at', '2999-01-01T00:00:00Z']);
    assert.equal(code, 2);
    assert.match(stderr, /2999-01-01T00:00:00Z is still to come/);
  });

  it('is quiet when its reader leaves', async () => {
    const child = spawn('bash', ['-c', `set -o pipefail; "${LAUNCHER}" config schema | head -c 10`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('does not load Temporal to list', async () => {
    const trace = path.join(folder, 'trace.mjs');
    await writeFile(
      trace,
      `import { registerHooks } from 'node:module';
       registerHooks({ load(url, context, next) { if (/temporalio|client.temporal|@grpc|swc/.test(url)) process.stderr.write('LOADED ' + url + '\\n'); return next(url, context); } });`,
    );
    const { code, stderr } = await mosaic(['list', '-c', config], { env: { NODE_OPTIONS: `--import ${trace}` } });
    assert.deepEqual([code, stderr], [0, '']);
  });
});
