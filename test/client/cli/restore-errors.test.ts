/** What `restore` and `verify` say to what cannot be meant or done, for each engine: in words, in JSON, by exit status. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity } from '../../../activities/keys/identity.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { shipLogs } from '../../../activities/operations/ship-logs.ts';
import type { ErrorCode } from '../../../model/errors.ts';
import { json, mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../support/mariadb.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { testWork } from '../../support/work.ts';
import { scheduledTimes } from '../../support/scheduled.ts';

const DATABASES = ['pg', 'shop', 'cache'] as const;
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  usage: 2,
  ambiguous: 2,
  refused: 4,
  'no-space': 4,
  'not-empty': 4,
  'missing-identity': 4,
  'not-found': 6,
};

describe('what restore and verify say to bad input', () => {
  let folder: string;
  let pg: TestPostgres;
  let shop: TestMariadb;
  let cache: TestRedis;
  let made: TestSite;
  let to: string;
  const times = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    const own = (name: string) => path.join(folder, name);
    for (const name of [...DATABASES, 'data']) await mkdir(own(name));
    await writeFile(path.join(own('data'), 'file'), 'x\n');
    [pg, shop, cache] = await Promise.all([
      startPostgres({ folder: own('pg'), settings: { max_slot_wal_keep_size: '1GB' } }),
      startMariadb({ folder: own('shop') }),
      startRedis({ folder: own('cache') }),
    ]);
    const stack = { type: 'files' as const, paths: [own('data')] };
    made = await makeSite({
      folder,
      sources: { pg: pg.config(), shop: shop.config(), cache: cache.config(), stack },
    });
    for (const source of [...DATABASES, 'stack', 'stack']) await captureBackup({ ...step(source), tier: 'daily' });
    await pg.sql('CREATE TABLE t (id int)');
    await shop.sql('CREATE DATABASE shop');
    for (const source of ['pg', 'shop']) await shipLogs(step(source));
    to = own('restored');
  });
  after(async () => {
    await Promise.all([pg?.stop(), shop?.stop('immediate'), cache?.stop()]);
    await cleanUp();
  });

  function step(source: string) {
    const scheduled = times();
    return { site: made.site, source, scheduled, runId: `run-${scheduled}`, attempt: 1, busy: 1000, work: testWork() };
  }

  /** Both for people and for programs: the same error, its status, what to do; and nothing was made. */
  async function fails(code: ErrorCode, message: RegExp, remedy: RegExp, args: readonly string[], file = made.file) {
    const [told, printed] = [
      await mosaicHere(['-c', file, ...args]),
      await mosaicHere(['-c', file, '--json', ...args]),
    ];
    const { error } = json(printed);
    assert.deepEqual([error?.code, printed.code, told.code], [code, STATUS[code], STATUS[code]], told.stderr);
    assert.match(error?.message ?? '', message);
    assert.match(error?.message ?? '', /[^.]\.$/, 'a sentence');
    assert.match(error?.remedy ?? '', remedy);
    assert.equal(typeof error?.retryable, 'boolean');
    assert.ok(told.stderr.includes(`${error?.message}\n  → ${error?.remedy}`), told.stderr);
    assert.doesNotMatch(told.stderr, /reading|recovering/, 'nothing was fetched');
    assert.ok(!existsSync(to));
  }

  const latest = (source: string, ...more: readonly string[]) => [
    'restore',
    'latest',
    '--source',
    source,
    ...more,
    '--to',
    to,
  ];

  for (const source of DATABASES) {
    it(`${source}: a target that is none, a time without its zone, and a day that there is not`, async () => {
      await fails('usage', /"nonsense" is no target/, /zone .*LSN .*GTID .*end/, latest(source, '--at', 'nonsense'));
      for (const at of ['2026-11-23T14:05:00', '2026-11-23 14:05:00'])
        await fails('usage', /has no zone: whose clock/, /2026-11-23T14:05:00Z .*\+01:00/, latest(source, '--at', at));
      // In the form of a GTID, too.
      await fails('usage', /has no zone: whose clock/, /2026-11-23T00:00:00Z/, latest(source, '--at', '2026-11-23'));
      await fails(
        'usage',
        /"2026-02-30T14:05:00Z" is no target/,
        /zone/,
        latest(source, '--at', '2026-02-30T14:05:00Z'),
      );
    });

    it(`P04 ${source}: a time in the future is refused, with what can be reached`, async () => {
      const reach = source === 'cache' ? /restore a backup itself/ : /These times can be reached: .* --at end/;
      await fails(
        'refused',
        /2030-.* cannot be reached: daily\/.*Nothing was changed\.$/,
        reach,
        latest(source, '--at', '2030-01-01T00:00:00Z'),
      );
    });
  }

  it('a place in the logs of another engine is refused before anything is fetched', async () => {
    await fails('usage', /PostgreSQL has no GTIDs/, /LSN/, latest('pg', '--before', '0-1-2'));
    await fails('usage', /PostgreSQL has no GTIDs/, /LSN/, latest('pg', '--at', '0-1-2'));
    await fails('usage', /"0\/3000060" is no GTID/, /0-1-42/, latest('shop', '--at', '0/3000060'));
    await fails('usage', /MariaDB has no named restore points/, /time or a GTID/, latest('shop', '--at', 'name:x'));
    await fails('usage', /"nonsense" is no target|is no GTID/, /0-1-42/, latest('shop', '--before', 'nonsense'));
    for (const at of ['0-1-2', '0/3000060', 'name:x'])
      await fails('usage', /Redis knows no positions/, /time and its zone/, latest('cache', '--at', at));
    await fails('usage', /Redis knows no positions/, /time and its zone/, latest('cache', '--before', '0-1-2'));
    await fails('usage', /type files is one moment/, /mosaic-backup list/, latest('stack', '--at', 'end'));
  });

  it('P04 P19 a GTID that the logs do not hold is refused, once in words', async () => {
    const ahead =
      /^Position 0-1-99999 cannot be reached: daily\/shop\/\S+: the logs end at 0-1-\d+, before 0-1-99999\. Nothing/;
    await fails('refused', ahead, /times can be reached/, latest('shop', '--at', '0-1-99999'));
    await fails(
      'refused',
      /the backup already has 0-1-\d+, which is after 0-1-1\. Nothing/,
      /times/,
      latest('shop', '--at', '0-1-1'),
    );
  });

  it('sources and references that there are not, or that are not one', async () => {
    for (const args of [latest('nosuch'), latest('nosuch', '--at', 'end'), ['verify', 'latest', '--source', 'nosuch']])
      await fails('not-found', /no backup of "nosuch"/, /There are.*: .*stack/, args);
    await fails('not-found', /no backup of "stakc"/, /Did you mean "stack"/, ['verify', 'latest', '--source', 'stakc']);
    for (const args of [
      ['restore', 'stack/2026', '--to', to],
      ['verify', 'stack/2026'],
    ])
      await fails(
        'ambiguous',
        /"stack\/2026" means 2 backups: daily\/stack\/\S+, daily\/stack\/\S+\.$/,
        /as in daily\/stack\//,
        args,
      );
    await fails('not-found', /no backup "nothing"/, /mosaic-backup list/, ['restore', 'nothing', '--to', to]);
    await fails('usage', /which one is not said/, /--source, one of: pg, shop, cache, stack/, [
      'restore',
      'latest',
      '--to',
      to,
    ]);
    await fails('not-found', /holds an export/, /sources\.pg\.export/, [
      'restore',
      'latest',
      '--source',
      'pg',
      '--database',
      'x',
      '--into',
      'user=postgres',
    ]);
    await fails('usage', /--path is for files/, /--database/, latest('pg', '--path', '/x'));
  });

  it('places that nothing can be restored to', async () => {
    const into = (place: string) => ['restore', 'latest', '--source', 'pg', '--to', place];
    const taken = await temporaryFolder();
    await writeFile(path.join(taken, 'mine'), 'x\n');
    await fails('not-empty', /is not empty: it has mine\. Nothing was changed\.$/, /empty or new folder/, into(taken));
    await fails('not-empty', /is a file, or lies below one/, /empty or new folder/, into('/etc/hostname'));
    await fails('not-empty', /is a file, or lies below one/, /empty or new folder/, into('/etc/hostname/below'));
    await fails('usage', /--to names no folder/, /--help/, into(''));
    await withSmallDisk(4, async (disk) => {
      const full = /has \d.* free, and .* are needed\. Nothing was written\.$/;
      for (const source of DATABASES.slice(0, 2))
        await fails('no-space', full, /bigger disk/, [
          'restore',
          'latest',
          '--source',
          source,
          '--to',
          path.join(disk, 'new', 'below'),
        ]);
      assert.deepEqual(await readdir(disk), [], 'nothing was written');
    });
  });

  it('an identity that cannot be read, is none, or is of another site; and none of them calls a backup damaged', async () => {
    const file = path.join(folder, 'other.yaml');
    const own = path.join(folder, 'other.txt');
    await writeFile(file, (await readFile(made.file, 'utf8')).replace(made.identities[0], own));
    const cases: readonly (readonly [text: string | null, message: RegExp, remedy: RegExp])[] = [
      [null, /Nothing can be decrypted here without the identity: .*other\.txt does not exist/, /0600.*recovery kit/],
      ['garbage\n', /daily\/stack\/.*: Identity 1 .* is not an age identity/, /encryption\.identity/],
      [`${(await newIdentity()).identity}\n`, /daily\/stack\/.*: None of the identities at hand opens/, /recovery kit/],
    ];
    for (const [text, message, remedy] of cases) {
      if (text !== null) await writeFile(own, text, { mode: 0o600 });
      await fails('missing-identity', message, remedy, latest('stack'), file);
      await fails('missing-identity', message, remedy, ['verify', 'latest', '--source', 'stack', '--deep'], file);
      const { code, stdout } = await mosaicHere(['-c', file, 'verify', 'latest', '--source', 'stack']);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /not compared {2}key: not tried/);
    }
    const { code, stdout } = await mosaicHere(['-c', made.file, 'verify', 'latest', '--source', 'stack', '--deep']);
    assert.equal(code, 0, stdout);
  });
});
