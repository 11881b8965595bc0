/** What can go wrong between here and an rsync server: keys, links that break, stall and come back, workers that die. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RsyncDestination } from '../../../../model/config/destinations/rsync.ts';
import type { ErrorCode } from '../../../../model/errors.ts';
import { storedOf } from '../../../support/backups.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { freePort } from '../../../support/ports.ts';
import { processesNaming } from '../../../support/processes.ts';
import { openSlowLink, type SlowLink } from '../../../support/rsync/slow-link.ts';
import { startSshd, type Sshd } from '../../../support/rsync/sshd.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { placeAt } from './places.ts';
import { optionsOfTemplate } from './template.ts';

const PUT_CHILD = new URL('../put-child.ts', import.meta.url);
const MEBIBYTE = 2 ** 20;
const KEY = 'daily/postgres/20261123T020000Z-full/base.tar.zst.age';

describe('the link to an rsync server', function () {
  this.timeout(180_000);
  let sshd: Sshd;
  let link: SlowLink;
  let file: string;
  const bytes = randomBytes(8 * MEBIBYTE);
  const expected = storedOf(bytes);

  before(async () => {
    sshd = await startSshd();
    link = await openSlowLink(sshd.port);
    file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, bytes);
  });
  afterEach(async () => {
    link.mend();
    link.slow(undefined);
    await endChildren();
  });
  after(async () => {
    await link.close();
    await sshd.stop();
    await cleanUp();
  });

  /** A folder behind the link; each with a key of its own, and so a connection of its own. */
  async function place(kind: 'shell' | 'append-only', config: Partial<RsyncDestination> = {}) {
    const root = path.join(await temporaryFolder(), 'copies');
    await mkdir(root, { mode: 0o700 });
    const { writing } = await optionsOfTemplate(root);
    const { file: own } = await sshd.addKey(kind === 'shell' ? '' : writing);
    const { context } = await placeAt(root, { sshd, config: { key: { file: own }, ...config }, port: link.port });
    const target = kind === 'shell' ? context.config.target : `${sshd.user}@127.0.0.1:/`;
    return { root, context: { ...context, config: { ...context.config, target } } };
  }

  for (const kind of ['shell', 'append-only'] as const) {
    it(`goes on after a cut, and sends nothing twice (${kind})`, async () => {
      const { context, root } = await place(kind);
      const destination = destinationOf(context);
      await destination.probe();
      link.slow(16 * MEBIBYTE);
      link.cutAfter(5 * MEBIBYTE);
      const cut = await isBackupError(destination.put(KEY, file, expected, testWork()), 'unreachable');
      assert.match(cut.remedy ?? '', /goes on from it/);
      assert.deepEqual(await listed(destination), []);
      const before = link.sent();
      await destination.put(KEY, file, expected, testWork());
      const again = link.sent() - before;
      assert.ok(again < 4.5 * MEBIBYTE, `${again} bytes were sent in the second attempt`);
      assert.deepEqual(await destination.digest(KEY, testWork()), expected);
      assert.deepEqual(await listed(destination), [KEY]);
      assert.ok((await readFile(path.join(root, KEY))).equals(bytes));
    });

    it(`takes names as they are, whatever a shell, a filter or a pattern would make of them (${kind})`, async () => {
      const { context, root } = await place(kind, { prune: true });
      const destination = destinationOf(context);
      const odd = [
        `daily/a b/[x]*/it's "$(id)" \`ls\`;&é.age`,
        'daily/a b/[x]*/#1 -> ~!{a,b}',
        'daily/a b/-rf',
        'daily/*/x',
        'daily/a b/x',
        'daily/ab/x',
      ];
      const keys = odd.toSorted((a, b) => (a < b ? -1 : 1));
      const small = path.join(path.dirname(file), 'small');
      await writeFile(small, 'small');
      for (const key of keys) await destination.put(key, small, storedOf(Buffer.from('small')), testWork());
      assert.deepEqual(await listed(destination), keys);
      assert.deepEqual(
        await listed(destination, 'daily/a b/[x]*'),
        keys.filter((key) => key.includes('[x]*/')),
      );
      assert.deepEqual(await listed(destination, 'daily/*'), ['daily/*/x']);
      assert.deepEqual(
        await listed(destination, '', 'x'),
        keys.filter((key) => key.endsWith('/x')),
      );
      for (const key of keys) {
        assert.equal(String(Buffer.from((await destination.readSmall(key)) ?? [])), 'small', key);
        assert.deepEqual(await destination.digest(key, testWork()), storedOf(Buffer.from('small')));
      }
      if (kind === 'append-only') return;
      const pruner = await destination.pruner();
      await pruner?.remove('daily/*/x');
      assert.deepEqual(
        await listed(destination),
        keys.filter((key) => key !== 'daily/*/x'),
        'and nothing else',
      );
      for (const key of keys) await pruner?.remove(key);
      assert.deepEqual(
        (await readdir(root)).filter((name) => !name.startsWith('.')),
        [],
      );
    });

    it(`goes on after its worker was killed, and nothing of that one is left here (${kind})`, async () => {
      const { context } = await place(kind, { maxRate: MEBIBYTE });
      const destination = destinationOf({ ...context, config: { ...context.config, maxRate: undefined } });
      await destination.probe();
      const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 2 * MEBIBYTE });
      await child.stopped();
      const own = processesNaming(`mosaic-ssh-${child.pid}-`);
      assert.ok(own.some(({ name }) => name === 'ssh') && own.some(({ name }) => name === 'rsync'));
      await child.signal('SIGKILL');
      await until('its programs are gone', () => processesNaming(`mosaic-ssh-${child.pid}-`).length === 0);
      assert.deepEqual(await listed(destination), []);
      const before = link.sent();
      await destination.put(KEY, file, expected, testWork());
      const again = link.sent() - before;
      assert.ok(again < 6.5 * MEBIBYTE, `${again} bytes were sent in the second attempt`);
      assert.deepEqual(await destination.digest(KEY, testWork()), expected);
      assert.deepEqual(await spooled(context.state), [], 'the spool of the dead one is removed');
    });
  }

  it('a worker that is killed while it connects leaves no agent with the key, set-group-ID as that program is', async () => {
    const { context } = await place('shell');
    link.stall();
    const child = startChild(PUT_CHILD, { context, key: KEY, file, expected });
    const own = () => processesNaming(`mosaic-ssh-${child.pid}-`);
    await until('ssh asks the agent for nothing yet', () => own().some(({ name }) => name === 'ssh'));
    assert.ok(own().some(({ name }) => name === 'ssh-agent'));
    await child.signal('SIGKILL');
    await until('they are gone', () => own().length === 0);
  });

  it('notices a link over which nothing comes any more', async () => {
    const { context } = await place('shell');
    const destination = destinationOf(context);
    await destination.probe();
    link.stall();
    const error = await isBackupError(destination.put(KEY, file, expected, testWork()), 'unreachable');
    assert.match(error.message, /the connection broke/);
  });

  it('keeps the connection for a stream that is read slowly', async () => {
    const { context } = await place('shell');
    const destination = destinationOf(context);
    await destination.put(KEY, file, expected, testWork());
    const stream = await destination.open(KEY);
    const parts: Buffer[] = [];
    for await (const part of stream as AsyncIterable<Buffer>) {
      // Longer than an idle connection is kept: that nobody ends it is what is waited for.
      if (parts.length === 0) await sleep(6_000);
      parts.push(part);
    }
    assert.ok(Buffer.concat(parts).equals(bytes));
  });

  it('ends at once when it is cancelled', async () => {
    const { context } = await place('shell', { maxRate: MEBIBYTE });
    const destination = destinationOf(context);
    const work = testWork();
    const put = destination.put(KEY, file, expected, {
      ...work,
      progress: ({ bytes }) => void (bytes > 0 && work.abort()),
    });
    await isBackupError(put, 'aborted');
    assert.deepEqual(
      processesNaming(context.state).map(({ args }) => args.join(' ')),
      [],
    );
  });

  it('has the key in no argument and no file, and keeps to the rate', async () => {
    const { context } = await place('append-only', { maxRate: 4 * MEBIBYTE });
    const key = 'file' in context.config.key ? context.config.key.file : '';
    const secret =
      (await readFile(key, 'utf8')).split('\n').find((line) => line.length === 70) ?? assert.fail('no key');
    const seen = new Set<string>();
    const work = testWork();
    const times: number[] = [];
    await destinationOf(context).put(KEY, file, expected, {
      ...work,
      progress({ phase, bytes: sent }) {
        if (phase.startsWith('copying') && sent > 0) times.push(performance.now());
        for (const { args } of processesNaming(`mosaic-ssh-${process.pid}-`)) seen.add(args.join(' '));
      },
    });
    assert.ok(
      [...seen].some((line) => line.includes('rsync')),
      'the programs were seen',
    );
    const [first = 0, last = 0] = [times[0], times.at(-1)];
    assert.ok(last - first > 1_000, `8 MiB at 4 MiB a second, and ${times.length} reports in ${last - first} ms`);
    for (const line of seen) assert.ok(!line.includes(secret.slice(0, 20)) && !line.includes(key), line);
    for (const name of await readdir('/tmp')) {
      if (!name.startsWith(`mosaic-ssh-${process.pid}-`)) continue;
      assert.deepEqual(
        (await readdir(path.join('/tmp', name))).filter((each) => !['known_hosts', 'link'].includes(each)),
        [],
      );
    }
  });

  it('says what is wrong with a key, a host key, a port and a name, and what to do', async () => {
    const { context, root } = await place('shell');
    const other = (await startSshdBriefly()).hostKey;
    const cases: readonly (readonly [Partial<RsyncDestination>, ErrorCode, RegExp])[] = [
      [{ hostKey: other }, 'not-authentic', /ssh-keyscan/],
      [{ hostKey: undefined, knownHosts: path.join(root, 'none') }, 'config', /ssh-keyscan/],
      [{ key: { file: path.join(root, 'none') } }, 'config', /0600/],
      [{ key: { command: ['echo', 'not a key'] } }, 'config', /ssh-keygen/],
      [{ key: { file: (await sshd.addKey('command="/bin/false"')).file } }, 'failed', /./],
      [{ port: await freePort() }, 'unreachable', /sshd/],
      [{ target: 'root@host.invalid:/x' }, 'unreachable', /DNS/],
      [{ target: `${context.config.target}/none` }, 'unreachable', /install -d/],
      [{ target: `nobody-at-all@127.0.0.1:${root}` }, 'access-denied', /authorized_keys/],
    ];
    for (const [change, code, remedy] of cases) {
      const error = await isBackupError(
        destinationOf({ ...context, config: { ...context.config, ...change } }).probe(),
        code,
      );
      assert.match(error.remedy ?? '', remedy, error.message);
    }
  });

  it('says that rsync is not there, and that rrsync lets in one at a time', async () => {
    const { context, root } = await place('shell');
    const empty = await temporaryFolder();
    const bare = await sshd.addKey(`command="PATH=${empty} /bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\""`);
    const without = destinationOf({
      ...context,
      config: { ...context.config, key: { file: bare.file }, shell: false },
    });
    assert.match((await isBackupError(without.probe(), 'missing-program')).remedy ?? '', /apt-get install rsync/);
    const locked = await sshd.addKey(`command="flock ${root} rrsync ${root}"`);
    const busy = destinationOf({
      ...context,
      config: { ...context.config, target: `${sshd.user}@127.0.0.1:/`, key: { file: locked.file } },
    });
    assert.match((await isBackupError(busy.probe(), 'busy')).remedy ?? '', /-no-lock/);
  });

  it('is another place once its disk is not mounted, and is not filled anew', async () => {
    const { context, root } = await place('append-only');
    const destination = destinationOf(context);
    await destination.probe();
    await rm(path.join(root, '.mosaic-backup.json'));
    await isBackupError(destination.put(KEY, file, expected, testWork()), 'unreachable');
    await isBackupError(destination.putSmall('a/b', Buffer.from('x'), { replace: true }), 'unreachable');
    await isBackupError(listed(destination), 'unreachable');
    assert.deepEqual(
      (await readdir(root)).filter((name) => !name.startsWith('.')),
      [],
    );
  });

  it('reads back whole where the config says so', async () => {
    const { context } = await place('append-only', { confirm: 'read' });
    const destination = destinationOf(context);
    const work = testWork();
    await destination.put(KEY, file, expected, work);
    assert.ok(work.reports.some(({ phase }) => phase === 'reading from vault'));
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
    assert.deepEqual(await spooled(context.state), []);
  });
});

async function startSshdBriefly(): Promise<Sshd> {
  const other = await startSshd();
  await other.stop();
  return other;
}

async function listed(
  destination: ReturnType<typeof destinationOf>,
  prefix = '',
  named?: string,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of destination.list(prefix, named === undefined ? {} : { named })) keys.push(key);
  return keys;
}

function spooled(state: string): Promise<readonly string[]> {
  return readdir(path.join(state, 'rsync'));
}
