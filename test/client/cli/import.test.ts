import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readFile, readdir, stat, symlink, link, utimes, writeFile, chmod } from 'node:fs/promises';
import path from 'node:path';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { sampleArguments } from '../../support/processes.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { runCommand } from '../../support/worker-process.ts';

const PASSWORD = 'correct horse, "battery" $taple';
/** How people have made them, by version and taste. */
const WAYS = {
  'as the strategy says it, by openssl 1.1 and later': ['-salt', '-md', 'sha256'],
  'by openssl 1.0 and earlier': ['-salt', '-md', 'md5'],
  'with -pbkdf2': ['-salt', '-pbkdf2'],
  'with -pbkdf2 -md sha512, as text': ['-salt', '-pbkdf2', '-md', 'sha512', '-a'],
} as const;

describe('import', () => {
  let folder: string;
  let made: TestSite;
  let archive: string;

  before(async () => {
    folder = await temporaryFolder();
    const tree = path.join(folder, 'tree/srv/app');
    await mkdir(path.join(tree, 'empty'), { recursive: true });
    await writeFile(path.join(tree, '.env'), 'TOKEN=old\n', { mode: 0o600 });
    await writeFile(path.join(tree, 'big'), Buffer.alloc(300_000, 'not so random '));
    await symlink('.env', path.join(tree, 'soft'));
    await link(path.join(tree, '.env'), path.join(tree, 'hard'));
    await chmod(path.join(tree, 'empty'), 0o2750);
    archive = path.join(folder, 'backup.tar.gz');
    await execa('tar', ['-czf', archive, './srv'], { cwd: path.join(folder, 'tree') });
    await writeFile(path.join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
    made = await makeSite({ folder, sources: { stack: { type: 'files', paths: [path.join(folder, 'tree')] } } });
  });
  after(cleanUp);

  async function encrypt(ways: readonly string[], to = `${archive}.enc`): Promise<string> {
    await execa('openssl', ['enc', '-aes-256-cbc', ...ways, '-in', archive, '-out', to, '-pass', 'stdin'], {
      input: `${PASSWORD}\n`,
    });
    return to;
  }

  function take(file: string, at: string, ...more: readonly string[]): Promise<Ended> {
    return mosaicHere([
      '-c',
      made.file,
      'import',
      file,
      '--source',
      'stack',
      '--at',
      at,
      '--password',
      `file:${path.join(folder, 'password')}`,
      ...more,
    ]);
  }

  for (const [index, [title, ways]] of Object.entries(WAYS).entries()) {
    it(`takes in what was made ${title}: verified, restored and compared like any`, async () => {
      const at = `2025-06-0${index + 1}T02:00:00Z`;
      const file = await encrypt(ways);
      const { code, stdout, stderr } = await take(file, at);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`^daily/stack/2025060${index + 1}T020000Z-full: `));
      assert.match(stderr, /that format proves nothing/);
      const id = `stack/2025060${index + 1}`;
      const deep = await mosaicHere(['-c', made.file, 'verify', id, '--deep']);
      assert.equal(deep.code, 0, deep.stdout + deep.stderr);
      const to = path.join(folder, `restored-${index}`);
      assert.equal((await mosaicHere(['-c', made.file, 'restore', id, '--to', to])).code, 0);
      const { stdout: differences } = await execa('diff', ['-r', path.join(folder, 'tree'), to], { reject: false });
      assert.equal(differences, '');
      assert.equal((await stat(path.join(to, 'srv/app/empty'))).mode & 0o7777, 0o2750);
      assert.equal((await take(file, at)).code, 7, 'once');
    });
  }

  it('refuses a wrong password, a truncated and a tampered archive, and anything else, and publishes nothing', async () => {
    const before = await readdir(path.join(made.site.repository, 'daily/apps/stack'));
    const good = await readFile(await encrypt(['-salt', '-pbkdf2']));
    const bad = path.join(folder, 'bad.enc');
    const flipped = Buffer.from(good);
    flipped.writeUInt8(flipped.readUInt8(good.length >> 1) ^ 1, good.length >> 1);
    const cases: readonly (readonly [bytes: Buffer, code: number, said: RegExp])[] = [
      [good.subarray(0, good.length - 16), 9, /damaged, cut off/],
      [good.subarray(0, (good.length >> 1) - 5), 9, /damaged, cut off/],
      [good.subarray(0, 64), 9, /damaged, cut off/],
      [flipped, 9, /damaged, cut off/],
      [await readFile(archive), 4, /nothing that "openssl enc -salt" wrote/],
      [Buffer.alloc(0), 4, /nothing that "openssl enc -salt" wrote/],
    ];
    for (const [bytes, code, said] of cases) {
      await writeFile(bad, bytes);
      const ended = await take(bad, '2025-07-01T02:00:00Z');
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, said);
    }
    await writeFile(path.join(folder, 'other'), 'another password\n', { mode: 0o600 });
    await writeFile(bad, good);
    const wrong = await take(bad, '2025-07-01T02:00:00Z', '--password', `file:${path.join(folder, 'other')}`);
    assert.equal(wrong.code, 9);
    assert.match(wrong.stderr, /does not open with this password/);
    const literal = await take(bad, '2025-07-01T02:00:00Z', '--password', PASSWORD);
    assert.equal(literal.code, 2);
    assert.ok(!literal.stderr.includes('battery'));
    assert.equal((await take(path.join(folder, 'never'), '2025-07-01T02:00:00Z')).code, 6);
    assert.equal((await take(folder, '2025-07-01T02:00:00Z')).code, 4, 'a folder');
    assert.deepEqual(await readdir(path.join(made.site.repository, 'daily/apps/stack')), before);
    assert.deepEqual(await readdir(path.join(made.site.repository, '.staging')), []);
  });

  it('P39 shows the password in no argument; killed before its seal it leaves nothing, and the same again takes it in', async () => {
    const file = await encrypt(['-salt', '-pbkdf2']);
    const where = `file:${path.join(folder, 'password')}`;
    const args = [
      '-c',
      made.file,
      'import',
      file,
      '--source',
      'stack',
      '--at',
      '2025-08-01T02:00:00Z',
      '--password',
      where,
    ];
    const point = { at: 'activities/storage/repository.ts#sealBackup' };
    const seen = sampleArguments(folder);
    const killed = await runCommand({ args, owner: folder, point, reached: path.join(folder, 'reached') });
    assert.equal(killed.code, null, killed.output);
    const words = [...seen.stop()];
    assert.ok(
      words.some((line) => /openssl enc -d/.test(line)),
      words.join('\n'),
    );
    assert.ok(words.every((line) => !line.includes('battery')));
    const listed = await readdir(path.join(made.site.repository, 'daily/apps/stack'));
    assert.ok(!listed.includes('20250801T020000Z-full'));
    assert.equal((await take(file, '2025-08-01T02:00:00Z')).code, 0);
    assert.deepEqual(await readdir(path.join(made.site.repository, '.staging')), []);
  });

  it('is of the time at which the file was written, unless one is given', async () => {
    const file = await encrypt(['-salt']);
    await utimes(file, new Date('2024-02-29T12:00:00Z'), new Date('2024-02-29T12:00:00Z'));
    const ended = await mosaicHere([
      '-c',
      made.file,
      'import',
      file,
      '--source',
      'stack',
      '--password',
      `file:${path.join(folder, 'password')}`,
    ]);
    assert.match(ended.stdout, /^daily\/stack\/20240229T120000Z-full/, ended.stderr);
  });
});
