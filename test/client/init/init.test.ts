import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { loadSite } from '../../../activities/config/load.ts';
import { initialise, type InitOptions } from '../../../client/init/init.ts';
import { findPostgres } from '../../../client/init/postgres.ts';
import { findStacks } from '../../../client/init/stacks.ts';
import { sourceNames } from '../../../client/init/text.ts';
import { json, mosaicHere } from '../../support/command-line.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

describe('init', () => {
  after(cleanUp);

  async function options(more: Partial<InitOptions> = {}): Promise<InitOptions> {
    const folder = await temporaryFolder();
    const below = (name: string) => path.join(folder, name);
    return {
      file: below('etc/config.yaml'),
      cwd: folder,
      repository: below('repository'),
      state: below('state'),
      servers: [],
      folders: [],
      dryRun: false,
      ...more,
    };
  }

  it('writes a config that is good, with keys that only their owner can read', async () => {
    const servers = [
      { type: 'postgres' as const, host: '/run/postgresql', port: 5432, by: 'its socket' },
      { type: 'postgres' as const, host: 'localhost', port: 5433, by: 'pg_lsclusters' },
    ];
    const given = await options({ servers, folders: ['/opt/my stack'], destination: 'vault' });
    const made = await initialise(given);
    const site = await loadSite({ file: made.file, env: {} });
    assert.deepEqual(Object.keys(site.config.sources), ['postgres', 'postgres-5433', 'my-stack']);
    assert.deepEqual(site.config.destinations['vault'], { type: 'directory', path: path.join(given.cwd, 'vault') });
    assert.equal(new Set(site.config.encryption.recipients).size, 2);
    for (const file of [made.file, ...Object.values(made.files)])
      assert.equal((await stat(file)).mode & 0o777, 0o600, file);
    assert.equal((await stat(path.dirname(made.file))).mode & 0o777, 0o700);
    assert.match(await readFile(made.files.identity, 'utf8'), /AGE-SECRET-KEY-1/);
  });

  it('keeps keys and backups out of a source around them', async () => {
    const given = await options();
    const made = await initialise({ ...given, folders: [given.cwd] });
    const source = Object.values((await loadSite({ file: made.file, env: {} })).config.sources)[0];
    assert.deepEqual(source?.type === 'files' && source.exclude, [
      given.repository,
      given.state,
      ...Object.values(made.files),
    ]);
  });

  it('has something to back up on a machine where nothing was found', async () => {
    const { config } = await loadSite({ file: (await initialise(await options())).file, env: {} });
    const [source] = Object.values(config.sources);
    assert.deepEqual(source?.type === 'files' && source.paths, ['/etc']);
  });

  it('overwrites nothing: neither the config nor a key, and then changes nothing', async () => {
    const given = await options();
    await mkdir(path.dirname(given.file));
    const key = path.join(path.dirname(given.file), 'signing.pem');
    await writeFile(key, 'mine');
    const error = await isBackupError(initialise(given), 'refused');
    assert.match(error.message, /signing\.pem exists already/);
    assert.deepEqual(await readdir(path.dirname(given.file)), ['signing.pem']);
    assert.equal(await readFile(key, 'utf8'), 'mine');
  });

  it('writes nothing on a dry run, from the command line too', async () => {
    const given = await options({ dryRun: true });
    assert.match((await initialise(given)).text, /^repository: /m);
    const { code, stdout } = await mosaicHere(['-c', given.file, 'init', '--dry-run', '--folder', given.cwd]);
    assert.equal(code, 0);
    assert.match(stdout, /^sources:$/m);
    assert.deepEqual(await readdir(given.cwd), []);
  });

  it('says what to do next', async () => {
    const given = await options();
    const ended = await mosaicHere([
      '-c',
      given.file,
      'init',
      '--folder',
      '/etc',
      '--repository',
      given.repository ?? '',
      '--state',
      given.state ?? '',
    ]);
    assert.equal(ended.code, 0, ended.stderr);
    for (const words of [/Move the second identity off this machine/, /keys kit --confirm/, /doctor/, /run daily/])
      assert.match(ended.stdout, words);
    const doctor = await mosaicHere(['-c', given.file, 'doctor', '--json']);
    const codes = (json(doctor).findings ?? []).map(({ code }) => code);
    assert.ok(codes.includes('keys.second-here'), codes.join());
  });

  it('gives every source a name that a config takes', () => {
    const servers = [1, 2].map((port) => ({ type: 'postgres' as const, host: '/run', port, by: '' }));
    assert.deepEqual(sourceNames({ servers, folders: ['/opt/postgres', '/srv/apps', '/', '/opt/ü b'] }), [
      'postgres',
      'postgres-2',
      'postgres-3',
      'apps-2',
      'root',
      'b',
    ]);
  });
});

describe('what init finds', () => {
  after(cleanUp);

  it('PostgreSQL servers by the sockets on which they listen', async () => {
    const folder = await temporaryFolder();
    const server = createServer().listen(path.join(folder, '.s.PGSQL.5999'));
    try {
      const found = await findPostgres({ unixSockets: '/proc/net/unix', dataParents: [], clusters: false });
      assert.deepEqual(
        found.filter(({ host }) => host === folder),
        [{ type: 'postgres', host: folder, port: 5999, by: 'its socket' }],
      );
    } finally {
      server.close();
    }
  });

  it('PostgreSQL servers by postmaster.pid, unless their process is gone', async () => {
    const folder = await temporaryFolder();
    const pid = async (name: string, lines: readonly (string | number)[]) => {
      await mkdir(path.join(folder, '15', name), { recursive: true });
      await writeFile(path.join(folder, '15', name, 'postmaster.pid'), lines.join('\n'));
    };
    await pid('running', [process.pid, '/data', 1, 5998, '/run/own', 'localhost']);
    await pid('tcp', [process.pid, '/data', 1, 5997, '', '*']);
    await pid('dead', [4_194_303, '/data', 1, 5996, '/run/own', '']);
    const found = await findPostgres({ unixSockets: '/nowhere', dataParents: [folder], clusters: false });
    assert.deepEqual(
      found.map(({ host, port }) => `${host}:${port}`),
      ['localhost:5997', '/run/own:5998'],
    );
  });

  it('nothing on a machine without any', async () => {
    assert.deepEqual(await findPostgres({ unixSockets: '/nowhere', dataParents: ['/nowhere'], clusters: false }), []);
  });

  it('folders with compose files, the outermost of each', async () => {
    const folder = await temporaryFolder();
    for (const [name, file] of [
      ['mosaic/stack', 'docker-compose.yml'],
      ['mosaic/stack/sub', 'compose.yaml'],
      ['wiki', 'compose.prod.yaml'],
      ['other', 'composed.txt'],
    ] as const) {
      await mkdir(path.join(folder, name), { recursive: true });
      await writeFile(path.join(folder, name, file), '');
    }
    assert.deepEqual(await findStacks('/nowhere', [folder]), [
      path.join(folder, 'mosaic/stack'),
      path.join(folder, 'wiki'),
    ]);
  });
});
