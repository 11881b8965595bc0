import assert from 'node:assert/strict';
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { capture, SOURCE } from '../activities/sources/postgres/backups.ts';
import { onRestored } from '../activities/sources/redis/restored.ts';
import { LAUNCHER, mosaic } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { makeSite, type TestSite } from '../support/site.ts';

const PAGE = fileURLToPath(new URL('../../docs/redis.md', import.meta.url));
const AOF = { appendonly: 'yes', 'aof-timestamp-enabled': 'yes' } as const;

/** Does literally what docs/redis.md says of an emptied database, and of a single key. */
describe('docs/redis.md: to an earlier second, and single keys', () => {
  let folder: string;
  let server: TestRedis;
  let made: TestSite;
  let at = '';

  before(async () => {
    folder = await temporaryFolder();
    server = await startRedis({ folder, settings: AOF });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config('aof') } });
    await nextSecond();
    await server.run('SET', 'cart', 'bread');
    at = await nextSecond();
    await server.run('FLUSHALL');
    await nextSecond();
    await capture(made.site, '2026-11-23T02:00:00Z');
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('brings back what was there just before', async () => {
    const [settings, restore] = await blocks();
    assert.ok(settings?.includes('AT=') && restore);
    const target = path.join(folder, 'as-it-was');
    const script = [
      `mosaic-backup() { ${LAUNCHER} -c ${made.file} "$@"; }`,
      `AT=${at}`,
      `TARGET=${target}`,
      restore.replaceAll('--source redis', `--source ${SOURCE}`),
    ];
    await execa('bash', ['-eu', '-c', script.join('\n')]);
    assert.equal(await onRestored(target, AOF, (run) => run('GET', 'cart')), 'bread');
  });

  it('brings back a single key, by way of a private server', async () => {
    const target = path.join(folder, 'for-a-key');
    await server.run('SET', 'kept', 'butter');
    await server.run('SET', 'user:7', 'me');
    await capture(made.site, '2026-11-23T03:00:00Z');
    await server.run('DEL', 'user:7');
    const args = ['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--to', target];
    assert.equal((await mosaic(args)).code, 0);
    const [settings, copy] = await blocks('Single keys');
    assert.ok(settings && copy);
    assert.ok(settings.includes('KEY=user:7') && copy.includes('--appendonly no'));
    const script = [
      settings.replace(/RESTORED=.*/, `RESTORED=${target}`),
      copy.replace('--appendonly no', '--appendonly yes').replace('redis-cli -x', `redis-cli -s ${server.socket} -x`),
    ];
    await execa('bash', ['-eu', '-c', script.join('\n')]);
    assert.deepEqual([await server.run('GET', 'user:7'), await server.run('GET', 'kept')], ['me', 'butter']);
  });

  it('refuses a time that the backup does not reach, with what it does', async () => {
    const args = ['-c', made.file, 'restore', 'latest', '--source', SOURCE, '--at', '2030-01-01T00:00:00Z'];
    const { code, stderr } = await mosaic([...args, '--to', path.join(folder, 'never')]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /each second from 20/);
  });

  /** The second after this one, once it has begun. */
  async function nextSecond(): Promise<string> {
    const second = Math.floor(Date.now() / 1000) + 1;
    await wait(second * 1000 + 250 - Date.now());
    return new Date(second * 1000).toISOString();
  }

  /** The code blocks of the section. */
  async function blocks(of = 'To an earlier second'): Promise<readonly string[]> {
    const page = await readFile(PAGE, 'utf8');
    const section = page.split('\n### ').find((each) => each.startsWith(of)) ?? '';
    return Array.from(section.matchAll(/```sh\n([^]*?)```/g), ([, block]) => block ?? '');
  }
});
