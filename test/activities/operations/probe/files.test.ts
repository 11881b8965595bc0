import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import { sweepProofs } from '../../../../activities/operations/restore.ts';
import type { Site } from '../../../../activities/site.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { filesSource, type FilesSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { damageFile } from '../../../support/damage.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { processesNaming } from '../../../support/processes.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';

type Probes = NonNullable<z.input<typeof filesSource>['probes']>;
type Start = z.input<typeof filesSource>['start'];

const SOURCE = 'wiki';
const NODE = process.execPath;
const CHILD = fileURLToPath(new URL('prove-in-child.ts', import.meta.url));

/** Serves a folder, and /slow never. */
const SERVER = `
const [folder] = process.argv.slice(1);
require('node:http').createServer((asked, answer) => {
  if (asked.url === '/slow') return;
  try { answer.end(require('node:fs').readFileSync(folder + asked.url)); } catch { answer.writeHead(404).end(); }
}).listen(8080, '127.0.0.1');
`;

describe('probes of restored files', function () {
  this.timeout(60_000);
  let folder: string;
  let data: string;
  let site: Site;
  let commit: string;
  let runs = 0;

  before(async () => {
    folder = await temporaryFolder();
    data = path.join(folder, 'data');
    await mkdir(path.join(data, 'secret'), { recursive: true, mode: 0o700 });
    await writeFile(path.join(data, 'page'), 'Welcome to the wiki');
    await writeFile(path.join(data, 'secret', 'key'), 'to be kept', { mode: 0o600 });
    await symlink('/etc/passwd', path.join(data, 'out'));
    await symlink('secret/key', path.join(data, 'link'));
    commit = await makeRepository(path.join(data, 'repo.git'), path.join(folder, 'clone'));
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: { type: 'files', paths: [data] } } }));
    await capture(site);
  });

  after(cleanUp);

  const start: Start = { command: [NODE, '-e', SERVER, '{restored}'] };

  it('that are answered right are compared, and each stands in the proof by its name', async () => {
    const sha256 = createHash('sha256').update('Welcome to the wiki').digest('hex');
    const look = `test "$MOSAIC_SOURCE" = ${SOURCE} && grep -q kept "$MOSAIC_RESTORED${data}/secret/key"`;
    const probes: Probes = [
      { name: 'the page', file: path.join(data, 'page'), sha256, contains: 'the wiki' },
      { file: path.join(data, 'gone'), exists: false },
      { file: path.join(data, 'link'), contains: 'kept' },
      { git: path.join(data, 'repo.git'), branch: 'main', commit },
      { http: { url: `http://wiki.example.com:8080${data}/page`, contains: 'Welcome' } },
      { http: { url: `http://wiki.example.com:8080${data}/nothing`, status: 404 } },
      { name: 'a look of our own', command: ['sh', '-c', look] },
      { name: 'the service is there', command: [NODE, '-e', CONNECT] },
    ];
    const { compared, notCompared } = await proven({ probes, start });
    const asked = compared.filter((name) => name.startsWith('probe: '));
    assert.equal(asked.length, probes.length, notCompared.join('\n'));
    assert.ok(asked.includes('probe: the page') && asked.includes(`probe: git ${path.join(data, 'repo.git')}`));
    assert.deepEqual(await readdir(path.join(folder, 'proof')), []);
    assert.deepEqual(processesNaming(path.join(folder, 'proof')), [], 'what was started is gone');
  });

  it('that are answered wrong fail the test, and each is named with what is wrong', async () => {
    const other = '0'.repeat(64);
    const wrongs: readonly (readonly [Probes[number], RegExp])[] = [
      [{ file: path.join(data, 'page'), sha256: other }, /page: its SHA-256 is [0-9a-f]{64}/],
      [{ file: path.join(data, 'page'), contains: 'another wiki' }, /what is looked for is not in them/],
      [{ file: path.join(data, 'gone') }, /gone: it is not there/],
      [{ file: path.join(data, 'page'), exists: false }, /page: it is there/],
      [{ name: 'out', file: path.join(data, 'out') }, /out: it is not there/],
      [{ name: 'b', git: path.join(data, 'repo.git'), branch: 'other' }, /probe: b: it has no branch other/],
      [{ name: 'c', git: path.join(data, 'repo.git'), commit: '1'.repeat(40) }, /probe: c: 1+ is not reachable/],
      [{ name: 'd', git: path.join(data, 'page') }, /probe: d: there is no repository/],
      [{ http: { url: `http://x:8080${data}/nothing` } }, /nothing: status 404, not 200/],
      [{ name: 'e', http: { url: `http://x:8080${data}/page`, contains: 'Bye' } }, /probe: e: status 200, and what/],
      [{ name: 'slow', http: { url: 'http://x:8080/slow' }, timeout: '1s' }, /probe: slow: no answer within 1\.0s/],
      [{ name: 'no', command: ['false'] }, /probe: no: false ended with 1/],
      // It leaves its group, and ends all the same.
      [{ name: 'late', command: ['setsid', 'sleep', '4711'], timeout: '500ms' }, /probe: late: no answer within 0\.5s/],
    ];
    const error = await failure({ probes: wrongs.map(([probe]) => probe), start });
    for (const [, named] of wrongs) assert.match(error.message, named);
    await until('what had left its group has ended', () => processesNaming('4711').length === 0);
  });

  it('can neither write to what was restored, nor reach anything else, nor see what the worker knows', async () => {
    process.env['MOSAIC_TEST_SECRET'] = 'canary';
    // Where it lies everybody has a place of his own, as for /tmp.
    const beside = path.join(folder, 'beside');
    const tries = [
      `touch "$MOSAIC_RESTORED${data}/new" && echo wrote restored`,
      `touch ${beside}; false`,
      'touch /etc/mosaic-test && echo wrote outside',
      'test -n "$MOSAIC_TEST_SECRET" && echo has its environment',
      'test "$(wc -l < /proc/net/dev)" -gt 3 && echo has a network',
      'grep -q "^CapEff:.*[1-35-9a-f]" /proc/self/status && echo has rights',
      'ls /dev/[svx]da* && echo sees a disk',
      'test -e /dev/kmsg && echo sees the kernel',
      'test -e /run/lock && echo sees /run',
    ];
    const probes = tries.map((test, index): Probes[number] => ({
      name: `${index}`,
      command: ['sh', '-c', `! (${test})`],
    }));
    const { compared, notCompared } = await proven({ probes });
    assert.equal(compared.filter((name) => name.startsWith('probe: ')).length, tries.length, notCompared.join());
    await assert.rejects(stat(beside), /ENOENT/);
    delete process.env['MOSAIC_TEST_SECRET'];
  });

  it('flaw: a damaged object of a git repository, one that is not there, and refs that are lost', async () => {
    const probes: Probes = [{ git: path.join(data, 'repo.git') }];
    const objects = (restored: string) => path.join(restored, data, 'repo.git', 'objects');
    const flaws: readonly (readonly [(restored: string) => Promise<void>, RegExp])[] = [
      [async (restored) => damageFile(path.join(objects(restored), await someObject(objects(restored)))), /probe: git/],
      [async (restored) => rm(path.join(objects(restored), await someObject(objects(restored)))), /probe: git/],
      [(restored) => rm(path.join(restored, data, 'repo.git', 'packed-refs')), /it has no branch/],
      [
        (restored) => writeFile(path.join(objects(restored), 'info', 'alternates'), '/srv/git/objects\n'),
        /objects outside of what was restored: \/srv\/git\/objects/,
      ],
    ];
    for (const [plant, named] of flaws) assert.match((await failure({ probes }, plant)).message, named);
  });

  it('git runs nothing that a restored repository names as hook or program', async () => {
    const repository = path.join(data, 'repo.git');
    const { message } = await failure({ probes: [{ git: repository, branch: 'main' }] }, async (restored) => {
      const program = path.join(repository, 'program');
      // Whoever runs it gets no clone.
      await writeFile(path.join(restored, program), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      const names = ['core.fsmonitor', 'core.sshCommand', 'core.alternateRefsCommand', 'uploadpack.packObjectsHook'];
      for (const name of names)
        await runProgram({ command: 'git', args: ['-C', path.join(restored, repository), 'config', name, program] });
    });
    assert.match(message, /files: .*repo\.git\/program is not in the inventory/);
    assert.doesNotMatch(message, /probe: git/);
  });

  it('are torn down with a worker that is killed by SIGKILL, with all that they started; what lies there goes with the next start', async () => {
    const within = path.join(folder, 'killed');
    const own = path.join(folder, 'own');
    await mkdir(own);
    const probes: Probes = [{ command: ['sh', '-c', 'setsid sleep 4712 & sleep 4713'], timeout: '1h' }];
    const { site: other, file } = await makeSite({
      folder: own,
      sources: { [SOURCE]: { type: 'files', paths: [data], probes, start } },
    });
    await capture(other);
    const child = spawn(NODE, [CHILD, file, SOURCE, within], { stdio: 'ignore' });
    const left = () => [within, '4712', '4713'].flatMap(processesNaming).filter(({ pid }) => pid !== child.pid);
    await until('both go on', () => ['sleep', '-e'].every((word) => left().some(({ args }) => args.includes(word))));
    child.kill('SIGKILL');
    await until('all of it has ended', () => left().length === 0);
    assert.notDeepEqual(await readdir(within), []);
    await sweepProofs(within);
    assert.deepEqual(await readdir(within), []);
  });

  it('where the machine allows no namespaces no program is run, files are looked at, and the report says of each which', async () => {
    const own = path.join(folder, 'bound');
    await mkdir(own);
    const probes: Probes = [
      { name: 'page', file: path.join(data, 'page') },
      { name: 'program', command: ['true'] },
      { name: 'web', http: { url: 'http://x:8080/' } },
      { name: 'repository', git: path.join(data, 'repo.git') },
    ];
    const sources = { [SOURCE]: { type: 'files' as const, paths: [data], probes, start } };
    const { site: other, file } = await makeSite({ folder: own, sources });
    await capture(other);
    // As in a container, or under a unit of systemd that denies them.
    const bounds = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
    const asRoot = process.getuid?.() === 0 ? [] : ['unshare', '--user', '--map-root-user'];
    const [command, ...args] = [...asRoot, 'setpriv', ...bounds, NODE, CHILD, file, SOURCE, path.join(own, 'proof')];
    const { stdout } = await runProgram({ command, args });
    const { compared, notCompared } = z
      .object({ compared: z.array(z.string()), notCompared: z.array(z.string()) })
      .parse(JSON.parse(stdout));
    assert.ok(compared.includes('probe: page'), compared.join());
    // Nothing ran that could have reached anything.
    assert.ok(!notCompared.some((one) => one.startsWith('isolation')));
    for (const said of [/^probe: program: .*allows no/, /^probe: web: /, /^probe: repository: /])
      assert.ok(
        notCompared.some((one) => said.test(one)),
        `${String(said)}: ${notCompared.join('\n')}`,
      );
  });

  interface Asking {
    readonly probes: Probes;
    readonly start?: Start;
  }

  async function proven({ probes, start: started }: Asking, onRestored?: (restored: string) => Promise<void>) {
    const config: FilesSource = filesSource.parse({ type: 'files', paths: [data], probes, start: started });
    const asked = { ...site, config: { ...site.config, sources: { [SOURCE]: config } } };
    const choice = await chooseTest({ site, source: SOURCE, runId: `restore-test-${(runs += 1)}` });
    const within = path.join(folder, 'proof');
    return proveTest({
      site: asked,
      source: SOURCE,
      choice,
      within,
      work: testWork(),
      ...(onRestored && { onRestored }),
    });
  }

  async function failure(asking: Asking, plant?: (restored: string) => Promise<void>): Promise<BackupError> {
    const error: unknown = await proven(asking, plant).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof BackupError && error.code === 'verification-failed', String(error));
    return error;
  }
});

const CONNECT = `require('node:net').connect(8080, '127.0.0.1', () => process.exit(0)).on('error', () => process.exit(1))`;

async function capture(site: Site): Promise<void> {
  const scheduled = '2026-11-20T02:00:00Z';
  const run = { source: SOURCE, tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
  await captureBackup({ site, ...run, attempt: 1, busy: 0, work: testWork() });
}

/** A bare repository, packed, with one commit. */
async function makeRepository(bare: string, clone: string): Promise<string> {
  const git = async (...args: readonly string[]) => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
    return (await runProgram({ command: 'git', args: [...identity, ...args] })).stdout;
  };
  await git('init', '--quiet', '--bare', '--initial-branch=main', bare);
  await git('init', '--quiet', '--initial-branch=main', clone);
  await writeFile(path.join(clone, 'file'), 'hello\n'.repeat(1000));
  await git('-C', clone, 'add', '.');
  await git('-C', clone, 'commit', '--quiet', '--message=one');
  await git('-C', clone, 'push', '--quiet', bare, 'main');
  await git('-C', bare, 'pack-refs', '--all');
  return git('-C', clone, 'rev-parse', 'HEAD');
}

/** A loose object. */
async function someObject(objects: string): Promise<string> {
  const names = await readdir(objects, { recursive: true });
  const object = names.toSorted().find((name) => /^[0-9a-f]{2}\/[0-9a-f]{38}$/.test(name));
  assert.ok(object);
  return object;
}
