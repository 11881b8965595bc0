/** The restricted server of docs/rsync.md, by infra/roles/rsync-authorized_keys as it is: nothing is deleted, nothing overwritten. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Destination } from '../../../../activities/storage/types.ts';
import type { RsyncDestination } from '../../../../model/config/destinations/rsync.ts';
import { storedOf } from '../../../support/backups.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startSshd, type Sshd } from '../../../support/rsync/sshd.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { placeAt } from './places.ts';
import { optionsOfTemplate } from './template.ts';

const KEY = 'daily/postgres/20261123T020000Z-full/base.tar.zst.age';
const MANIFEST = 'daily/postgres/20261123T020000Z-full/manifest.json';

describe('an append-only rsync server', function () {
  this.timeout(120_000);
  let sshd: Sshd;
  let root: string;
  let file: string;
  let config: RsyncDestination;
  let destination: Destination;
  const bytes = randomBytes(300_000);
  const expected = storedOf(bytes);

  before(async () => {
    sshd = await startSshd();
    root = path.join(await temporaryFolder(), 'copies');
    await mkdir(root, { mode: 0o700 });
    file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, bytes);
    const { writing, deleting } = await optionsOfTemplate(root);
    const prune = { key: { file: (await sshd.addKey(deleting)).file } };
    const { context } = await placeAt(root, { sshd, restrict: () => writing, config: { prune } });
    config = context.config;
    destination = destinationOf(context);
  });
  after(async () => {
    await sshd.stop();
    await cleanUp();
  });

  it('takes copies, confirms them, and lists them under their names alone', async () => {
    await destination.probe();
    await destination.put(KEY, file, expected, testWork());
    await destination.putSmall(MANIFEST, Buffer.from('{}'), { replace: false });
    await destination.putSmall(MANIFEST, Buffer.from('{}'), { replace: true });
    await destination.put(KEY, file, expected, testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
    assert.deepEqual(await keys(destination), [KEY, MANIFEST]);
    assert.deepEqual([await destination.free(), await destination.clock?.()], [null, null]);
  });

  it('notices a rewrite that the server ignores, and says what to do', async () => {
    const rotated = await isBackupError(
      destination.putSmall(MANIFEST, Buffer.from('{"key":2}'), { replace: true }),
      'conflict',
    );
    assert.match(rotated.remedy ?? '', /rm .*manifest\.json/);
    assert.equal(await readFile(path.join(root, MANIFEST), 'utf8'), '{}');
    await damage(path.join(root, KEY));
    const error = await isBackupError(destination.put(KEY, file, expected, testWork()), 'conflict');
    assert.match(error.message, /lets nothing be overwritten/);
    await rm(path.join(root, KEY));
    await destination.put(KEY, file, expected, testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
  });

  it('deletes by the other key alone', async () => {
    const { context } = await placeAt(root, { sshd, restrict: () => '' });
    const own = destinationOf({ ...context, config: { ...config, prune: true } });
    const refused = await isBackupError((async () => (await own.pruner())?.remove(KEY))(), 'access-denied');
    assert.match(refused.remedy ?? '', /prune/);
    assert.equal(await destinationOf({ ...context, config: { ...config, prune: undefined } }).pruner(), null);
    assert.deepEqual(await keys(destination), [KEY, MANIFEST], 'nothing was deleted');
    const pruner = await destination.pruner();
    await pruner?.remove(MANIFEST);
    await pruner?.remove(KEY);
    assert.deepEqual(await keys(destination), []);
    assert.deepEqual(
      (await readdir(root)).filter((name) => !name.startsWith('.')),
      [],
      'empty folders go too',
    );
  });

  describe('against who has stolen the key of a worker', () => {
    const victim = 'daily/victim/manifest.json';
    const attack = randomBytes(64);
    let evil: string;

    before(async () => {
      await destination.putSmall(victim, Buffer.from('precious'), { replace: false });
      evil = await temporaryFolder();
      await mkdir(path.join(evil, 'daily/victim'), { recursive: true });
      await writeFile(path.join(evil, 'daily/victim/manifest.json'), attack);
      await writeFile(path.join(evil, 'manifest.json'), attack);
      await mkdir(path.join(evil, 'got/daily/victim'), { recursive: true });
    });
    beforeEach(async () => {
      await mkdir(path.join(root, path.dirname(victim)), { recursive: true });
      await writeFile(path.join(root, victim), 'precious');
    });

    for (const [what, ...args] of [
      ['overwriting', '-rI', 'EVIL/', 'there:/'],
      ['writing in place', '-rI', '--inplace', 'EVIL/', 'there:/'],
      ['appending', '-r', '--append', 'EVIL/', 'there:/'],
      ['deleting', '-r', '--delete', 'EVIL/', 'there:/'],
      [
        'deleting what is offered and lacks',
        '-R',
        '--delete-missing-args',
        'EVIL/got/./daily/victim/manifest.json',
        'there:/',
      ],
      ['moving it to a backup', '-rIb', '--suffix=.old', 'EVIL/', 'there:/'],
      ['moving it away', '-rI', '--backup', '--backup-dir=/away', 'EVIL/', 'there:/'],
      ['taking it for a part', '-I', '--partial-dir=/daily/victim', 'EVIL/manifest.json', 'there:/daily/'],
      ['fetching it for good', '-r', '--remove-source-files', 'there:/daily/', 'EVIL/got/'],
      [
        'a log in its place',
        '-r',
        '--remote-option=--log-file=/daily/victim/manifest.json',
        'EVIL/manifest.json',
        'there:/x/',
      ],
      ['a folder above', '-r', 'EVIL/manifest.json', 'there:/../outside/'],
      ['another program', '--rsync-path=sh -c id;', 'EVIL/manifest.json', 'there:/y/'],
    ] as const) {
      it(`holds against ${what}`, async () => {
        await rsyncAs(
          config,
          args.map((word) => word.replaceAll('EVIL', evil)),
        );
        assert.equal(await readFile(path.join(root, victim), 'utf8'), 'precious');
        assert.deepEqual(await readdir(path.dirname(root)), ['copies'], 'nothing outside');
      });
    }

    it('gives no shell, no terminal and no way further', async () => {
      for (const args of [['id'], ['-tt', 'id'], ['-W', '127.0.0.1:22']]) {
        const { stdout } = await sshAs(config, args);
        assert.doesNotMatch(stdout, /uid=/);
        assert.doesNotMatch(stdout, /SSH-2\.0/);
      }
    });
  });

  async function rsyncAs({ key, port }: RsyncDestination, args: readonly string[]): Promise<void> {
    const shell = `ssh ${sshArguments(key, port).join(' ')} -l ${sshd.user}`;
    const words = args.map((word) => word.replace(/^there:/, '127.0.0.1:'));
    // That it fails is not what counts: what is left there does.
    await promisify(execFile)('rsync', ['-e', shell, ...words]).catch(() => undefined);
  }

  async function sshAs({ key, port }: RsyncDestination, args: readonly string[]) {
    const options = [...sshArguments(key, port), '-l', sshd.user];
    const before =
      args[0] === '-W'
        ? [...options, ...args, '127.0.0.1']
        : [...options, ...args.slice(0, -1), '127.0.0.1', ...args.slice(-1)];
    return promisify(execFile)('ssh', before).catch((error: { readonly stdout: string }) => error);
  }
});

function sshArguments(key: RsyncDestination['key'], port: number): readonly string[] {
  if (!('file' in key)) throw new Error('a test has its key in a file');
  return [
    '-F',
    '/dev/null',
    '-i',
    key.file,
    '-p',
    String(port),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    'BatchMode=yes',
    '-o',
    'LogLevel=ERROR',
  ];
}

async function keys(destination: Destination): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of destination.list('')) found.push(key);
  return found;
}

async function damage(name: string): Promise<void> {
  const handle = await open(name, 'r+');
  const { atime, mtime } = await handle.stat();
  await handle.write(Buffer.from('damage'), 0, 6, 1000);
  await handle.utimes(atime, mtime);
  await handle.close();
}
