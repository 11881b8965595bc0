/** Redis against the suite of all source types, by each method. */
import assert from 'node:assert/strict';
import { startServer } from '../../../../activities/sources/redis/server.ts';
import { command } from '../../../../activities/sources/redis/client.ts';
import { locate } from '../../../../activities/streams/locate.ts';
import { redisEntry } from '../../../../model/inventory.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { keys, startRedis, type Method } from '../../../support/redis.ts';
import { testWork } from '../../../support/work.ts';
import { describeSource, type LiveSource } from '../conformance.ts';

/** Programs that read the source, by method. */
const PRODUCERS: Readonly<Record<Method, string>> = { stream: 'redis-cli', save: 'head', aof: 'head' };

async function make(method: Method, appendonly: 'yes' | 'no', folder: string): Promise<LiveSource> {
  const server = await startRedis({ folder, settings: { appendonly } });
  await server.pipe(keys(3_000, { bytes: 1_000 }));
  await server.pipe(['SELECT 3', 'HSET user name x age 3', 'RPUSH list a b c', 'SETEX short 3000 v', 'XADD log * a b']);
  // With appendonly yes: the base holds all of it, so it is what takes its time.
  if (appendonly === 'yes') {
    await server.run('BGREWRITEAOF');
    while ((await server.info()).persistence.rewriting);
  }
  return {
    config: server.config(method),
    producer: PRODUCERS[method],
    cannot: ['values'],
    slowRate: '1MB',
    async mutate() {
      await server.pipe(['DEL key:1', 'SET later 1', 'SELECT 5', 'SADD set a']);
    },
    async compare(data) {
      const restored = await startServer({
        data,
        program: locate('redis-server'),
        runtime: await temporaryFolder(),
        settings: { appendonly, 'enable-debug-command': 'local' },
        work: testWork(),
      });
      try {
        const asking = { connection: restored.connection, signal: testWork().signal };
        assert.match(await command(asking, ['DEBUG', 'DIGEST']), /^(?!0{40})[0-9a-f]{40}$/);
        assert.equal(await command(asking, ['DEBUG', 'DIGEST']), await server.run('DEBUG', 'DIGEST'));
      } finally {
        await restored.stop();
      }
    },
    async compareInventory(lines) {
      const entries = lines.map((line) => redisEntry.parse(JSON.parse(line)));
      const databases = entries.filter((entry) => entry.entry === 'database');
      assert.deepEqual(
        databases.map(({ index, keys, expires }) => ({ index, keys, expires })),
        [
          { index: 0, keys: 3_000, expires: 0 },
          { index: 3, keys: 4, expires: 1 },
        ],
      );
      assert.ok(
        entries.some((entry) => entry.entry === 'setting' && entry.name === 'appendonly' && entry.value === appendonly),
      );
    },
    end: () => server.stop(),
  };
}

for (const method of ['stream', 'save'] as const) {
  describeSource({ name: `redis, by ${method}`, make: (folder) => make(method, 'no', folder) });
}
describeSource({ name: 'redis with AOF, by stream', make: (folder) => make('stream', 'yes', folder) });
describeSource({ name: 'redis, by aof', make: (folder) => make('aof', 'yes', folder) });
