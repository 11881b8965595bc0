import assert from 'node:assert/strict';
import { connectionError, withoutNames } from '../../../../activities/storage/rsync/errors.ts';
import { parseLine } from '../../../../activities/storage/rsync/list.ts';
import { progressReader } from '../../../../activities/storage/rsync/progress.ts';
import { knownHostsText, serverOf } from '../../../../activities/storage/rsync/server.ts';
import { slots } from '../../../../activities/storage/rsync/slots.ts';
import { rsyncDestination, targetOf } from '../../../../model/config/destinations/rsync.ts';

const CONFIG = { type: 'rsync', target: 'backup@vault:/srv/backups', key: { file: '/k' } } as const;

describe('a target of rsync', () => {
  it('is user, host and folder', () => {
    assert.deepEqual(targetOf('backup@vault:/srv/backups/'), { user: 'backup', host: 'vault', root: '/srv/backups' });
    assert.deepEqual(targetOf('vault:'), { user: undefined, host: 'vault', root: '' });
    assert.deepEqual(targetOf('u123@[2001:db8::1]:/'), { user: 'u123', host: '2001:db8::1', root: '/' });
  });

  for (const target of [
    '/srv/backups',
    'vault',
    'vault:/a b',
    'vault:/$(id)',
    'vault:/a;b',
    '-oProxyCommand=x:/a',
    'a@-b:/c',
    'vault:/a/../b',
    'vault:/a\n',
    "vault:/'",
  ]) {
    it(`refuses ${JSON.stringify(target)}`, () => {
      assert.equal(rsyncDestination.safeParse({ ...CONFIG, target }).success, false);
    });
  }

  it('takes host keys with a name or without', () => {
    const lines = ['ssh-ed25519 AAAA', 'vault,10.0.0.1 ssh-ed25519 BBBB comment'];
    assert.ok(rsyncDestination.safeParse({ ...CONFIG, hostKey: lines }).success);
    assert.equal(rsyncDestination.safeParse({ ...CONFIG, hostKey: 'SHA256:abc' }).success, false);
    assert.equal(
      knownHostsText({ host: 'vault', port: 2222 }, lines),
      '[vault]:2222 ssh-ed25519 AAAA\nvault,10.0.0.1 ssh-ed25519 BBBB comment\n',
    );
  });
});

describe('what rsync prints', () => {
  it('is a list of plain files, whatever is in their names', () => {
    assert.deepEqual(
      parseLine('-rw-------      1,234 2026/11/26 19:34:32 x'),
      undefined,
      'digits alone were asked for',
    );
    assert.deepEqual(parseLine('-rw-------          1234 2026/11/26 19:34:32 a b/ü [x] -> y'), {
      key: 'a b/ü [x] -> y',
      bytes: 1234,
    });
    assert.deepEqual(parseLine('-rw-r--r--+            0 2026/11/26 19:34:32  lead'), { key: ' lead', bytes: 0 });
    for (const other of [
      'drwx------          4096 2026/11/26 19:34:32 a',
      'lrwxrwxrwx            3 2026/11/26 19:34:32 l',
      'skipping non-regular file "x"',
    ]) {
      assert.equal(parseLine(other), undefined);
    }
  });

  it('is progress, cut anywhere', () => {
    const reader = progressReader();
    const text =
      '\r         32,768   0%    0.00kB/s    0:00:00  \r      2,129,920  26%    2.00MB/s    0:00:02  \r      4325376  54%    2.00MB/s    0:00:01  \n';
    for (const character of text) reader.take(Buffer.from(character));
    assert.equal(reader.bytes(), 4_325_376);
  });
});

describe('what ssh says', () => {
  const server = serverOf({ name: 'vault', config: rsyncDestination.parse(CONFIG), readSecret: async () => '' });
  for (const [said, code] of [
    [
      '@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@\nHost key verification failed.',
      'not-authentic',
    ],
    [
      'No ED25519 host key is known for vault and you have requested strict checking.\nHost key verification failed.',
      'config',
    ],
    ['backup@vault: Permission denied (publickey).', 'access-denied'],
    ['ssh: connect to host vault port 22: Connection refused', 'unreachable'],
    ['ssh: connect to host vault port 22: Connection timed out', 'unreachable'],
    ['', 'unreachable'],
  ] as const) {
    it(`is ${code}: ${said.split('\n').at(-1)}`, () => {
      const error = connectionError(server, said);
      assert.equal(error.code, code);
      assert.ok((error.remedy ?? '') !== '' && !/HOST|NAME|ROOT/.test(error.remedy ?? ''), error.remedy);
    });
  }
});

describe('what rsync says of a file', () => {
  it('is not read out of its name', () => {
    assert.equal(
      withoutNames('rsync: [receiver] mkstemp "/a/No space left on device/.x" failed: Read-only file system (30)'),
      'rsync: [receiver] mkstemp  failed: Read-only file system (30)',
    );
    assert.equal(
      withoutNames("mv: cannot move 'Permission denied' to 'b': No space left"),
      'mv: cannot move  to : No space left',
    );
    assert.equal(withoutNames("sh: 3: cd: can't cd to /srv"), "sh: 3: cd: can't cd to /srv");
  });
});

describe('slots', () => {
  it('let so many in at once, in order, and forget who has left', async () => {
    const two = slots(2);
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const leave = new AbortController();
    const entered: number[] = [];
    const all = gates.map(({ promise }, index) =>
      two.take(
        async () => {
          entered.push(index);
          await promise;
        },
        index === 2 ? leave.signal : undefined,
      ),
    );
    const left = assert.rejects(all[2] ?? Promise.resolve(), { code: 'aborted' });
    await new Promise(setImmediate);
    assert.deepEqual(entered, [0, 1]);
    leave.abort();
    await left;
    gates[0]?.resolve();
    await all[0];
    await new Promise(setImmediate);
    assert.deepEqual(entered, [0, 1, 3]);
    for (const { resolve } of gates) resolve();
    await Promise.all([all[1], all[3]]);
    await two.take(async () => void entered.push(9));
    assert.deepEqual(entered, [0, 1, 3, 9]);
  });
});
