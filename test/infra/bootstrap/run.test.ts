/** The entry of the npm scripts: what it does when there is nothing to do, and when it may not do what is needed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cleanUp } from '../../support/folders.ts';
import { ended, makeCheckout, stampOf } from './checkout.ts';

const NOBODY = 65534;

describe('npm scripts: set-up', () => {
  after(cleanUp);

  it('does nothing where nothing is missing, at once and without a word', async () => {
    const checkout = await makeCheckout();
    const { code, stdout, stderr, milliseconds } = await checkout.run(['setup', 'client']);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
    assert.ok(milliseconds < 1000, `it took ${milliseconds} ms`);
  });

  it('prints the one command and exits 4 where the user may not install packages', async () => {
    const checkout = await makeCheckout();
    await checkout.lack('coffee-machine', 'coffee');
    await checkout.program('apt-get', '#!/bin/sh\necho must not be called >&2; exit 99\n');
    const options = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    const { code, stderr } = await checkout.run(['setup', 'client'], options);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /missing: coffee, which makes coffee/);
    assert.match(stderr, /^ {2}su -c 'sh \S+\/infra\/bootstrap\/install-packages\.sh coffee'$/m);
    assert.doesNotMatch(stderr, /must not be called/);
  });

  it('offers sudo where there is one that asks for a password', async () => {
    const checkout = await makeCheckout();
    await checkout.lack('coffee-machine', 'coffee');
    await checkout.program('apt-get', '#!/bin/sh\nexit 99\n');
    await checkout.program('sudo', '#!/bin/sh\necho a password is required >&2; exit 1\n');
    const options = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    const { code, stderr } = await checkout.run(['setup', 'client'], options);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^ {2}sudo sh \S+\/install-packages\.sh coffee$/m);
  });

  it('names what is missing and exits 4 on a machine without apt', async () => {
    const checkout = await makeCheckout();
    await checkout.lack('coffee-machine', 'coffee');
    const { code, stderr } = await checkout.run(['setup', 'client']);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /no apt-get: install these .*: coffee$/m);
  });

  it('asks for no server where the config is one of the user, nor for anything to show its help', async () => {
    const checkout = await makeCheckout();
    const needs = path.join(checkout.root, 'infra/bootstrap/needs.txt');
    await writeFile(needs, 'client sh dash runs\nsample coffee-server coffee serves\n');
    await makeQuickstart(checkout.root, "console.log('started', ...process.argv.slice(2));");
    const sample = await checkout.run(['start']);
    assert.equal(sample.code, 4);
    const own = await checkout.run(['start', '-c', 'site.yaml', '--once']);
    assert.equal(own.stdout, 'started -c site.yaml --once\n', own.stderr);
    await writeFile(needs, 'client coffee-machine coffee makes coffee\n');
    const help = await checkout.run(['start', '--help'], { env: { TEMPORAL_CLI: '' } });
    assert.equal(help.stdout, 'started --help\n', help.stderr);
  });

  it('asks for the client programs of those types only that a config of the user has, and of all for the sample', async () => {
    const checkout = await makeCheckout();
    await makeQuickstart(checkout.root, "console.log('started');");
    const needs = path.join(checkout.root, 'infra/bootstrap/needs.txt');
    const types = ['postgres', 'mariadb', 'redis', 'rsync'];
    const lines = types.map((type) => `client:${type} ${type}-client ${type}-tools captures`);
    await writeFile(needs, ['client sh dash runs', ...lines, 'sample sh dash runs', ''].join('\n'));
    const lacking = async (...args: readonly string[]) => {
      const { stderr } = await checkout.run(['start', ...args], { env: { INIT_CWD: checkout.root } });
      return types.filter((type) => stderr.includes(`missing: ${type}-tools`) || stderr.includes(` ${type}-tools`));
    };
    const config = path.join(checkout.root, 'site.yaml');
    await writeFile(config, 'sources:\n  # type: redis\n  data: { type: "files" }\n');
    assert.deepEqual(await lacking('-c', config), []);
    await writeFile(config, 'sources:\n  wiki:\n    type: mariadb\n  data: { "type": "postgres" }\n');
    for (const args of [['-c', 'site.yaml'], ['--config', config], [`--config=${config}`], [`-c${config}`]])
      assert.deepEqual(await lacking('--once', ...args), ['postgres', 'mariadb'], args.join(' '));
    await writeFile(config, 'sources:\n  data: { type: files }\ndestinations:\n  vault: { type: rsync }\n');
    assert.deepEqual(await lacking('-c', config), ['rsync']);
    assert.deepEqual(await lacking('-c', '/nowhere.yaml'), types);
    assert.deepEqual(await lacking(), types);
  });

  it('becomes the job: a signal reaches it, and its exit status is the own one', async () => {
    const checkout = await makeCheckout();
    await makeQuickstart(
      checkout.root,
      "process.on('SIGINT', () => process.exit(42)); console.log(process.pid); setInterval(() => {}, 1000);",
    );
    const child = checkout.start(['start']);
    const finished = ended(child);
    const [first] = child.stdout ? await once(child.stdout, 'data') : [''];
    assert.equal(Number(String(first)), child.pid);
    child.kill('SIGINT');
    assert.equal((await finished).code, 42);
  });

  it('sees that node_modules are those of the lock file although no stamp says so', async () => {
    const checkout = await makeCheckout();
    const stamp = path.join(checkout.root, 'node_modules/.mosaic-backup-stamp');
    await rm(stamp);
    const { code, stderr } = await checkout.run(['setup', 'client']);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /npm ci/);
    const lock = await readFile(path.join(checkout.root, 'package-lock.json'), 'utf8');
    assert.equal((await readFile(stamp, 'utf8')).split('\n')[0], stampOf(lock).split('\n')[0]);
  });

  it('installs node_modules that are not those of the lock file, and says why when npm fails', async () => {
    const checkout = await makeCheckout();
    const lock = {
      lockfileVersion: 3,
      packages: { '': {}, 'node_modules/coffee': { version: '1.0.0', integrity: 'x' } },
    };
    await writeFile(path.join(checkout.root, 'package-lock.json'), JSON.stringify(lock));
    await checkout.program('npm', '#!/bin/sh\necho "npm error: no such bean" >&2; exit 7\n');
    const { code, stderr } = await checkout.run(['setup', 'client']);
    assert.equal(code, 1);
    assert.match(stderr, /installing node_modules \(npm ci\)/);
    assert.match(stderr, /no such bean/);
  });

  it('lets one set-up work at a time', async () => {
    const checkout = await makeCheckout();
    await rm(path.join(checkout.root, 'node_modules/.mosaic-backup-stamp'));
    const holder = spawn('sh', ['-c', 'exec 9<"$0"; flock 9; echo held; exec sleep 60', checkout.root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const child = checkout.start(['setup', 'client']);
    const finished = ended(child);
    // Its first word is that it waits.
    if (child.stderr) await once(child.stderr, 'data');
    assert.equal(child.exitCode, null);
    holder.kill();
    const { code } = await finished;
    assert.equal(code, 0);
  });

  it('refuses a TEMPORAL_CLI that is no program', async () => {
    const checkout = await makeCheckout();
    const { code, stderr } = await checkout.run(['setup', 'client'], { env: { TEMPORAL_CLI: '/nowhere/temporal' } });
    assert.equal(code, 4);
    assert.match(stderr, /TEMPORAL_CLI names no program: \/nowhere\/temporal/);
  });

  it('refuses a VERSITYGW that is no program, for the sample, and wants none for a config of the user', async () => {
    const checkout = await makeCheckout();
    await makeQuickstart(checkout.root, 'console.log(process.env.VERSITYGW);');
    await writeFile(
      path.join(checkout.root, 'infra/bootstrap/needs.txt'),
      'client sh dash runs\nsample sh dash runs\n',
    );
    const env = { VERSITYGW: '/nowhere/versitygw' };
    const { code, stderr } = await checkout.run(['start'], { env });
    assert.equal(code, 4);
    assert.match(stderr, /VERSITYGW names no program: \/nowhere\/versitygw/);
    assert.equal((await checkout.run(['start', '-c', 'site.yaml'], { env })).code, 0);
    await checkout.program('versitygw', '#!/bin/sh\n');
    assert.equal((await checkout.run(['start'], { env: { VERSITYGW: '' } })).stdout, `${checkout.path}/versitygw\n`);
  });

  it('takes the Temporal of the PATH before the cached one', async () => {
    const checkout = await makeCheckout();
    await makeQuickstart(checkout.root, 'console.log(process.env.TEMPORAL_CLI);');
    const cached = path.join(checkout.root, 'cache/mosaic-backup/temporal-1.5.1');
    await mkdir(path.dirname(cached));
    await writeFile(cached, '#!/bin/sh\n', { mode: 0o755 });
    const env = { TEMPORAL_CLI: '' };
    assert.equal((await checkout.run(['start'], { env })).stdout, `${cached}\n`);
    await checkout.program('temporal', '#!/bin/sh\n');
    assert.equal((await checkout.run(['start'], { env })).stdout, `${checkout.path}/temporal\n`);
  });
});

async function makeQuickstart(root: string, code: string): Promise<void> {
  await mkdir(path.join(root, 'infra/quickstart'), { recursive: true });
  await writeFile(path.join(root, 'infra/quickstart/main.ts'), code);
}
