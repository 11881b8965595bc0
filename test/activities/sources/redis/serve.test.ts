import assert from 'node:assert/strict';
import { runProgram } from '../../../../activities/streams/run.ts';
import { startRedis } from '../../../support/redis.ts';
import { describeServing, type ServedSource } from '../serving.ts';

async function make(folder: string): Promise<ServedSource> {
  const server = await startRedis({ folder, settings: { appendonly: 'yes' } });
  await server.pipe(['SET "user name" "Zoë"', 'RPUSH list a b c', 'SELECT 3', 'SET other 1']);
  return { config: server.config(), end: () => server.stop() };
}

describeServing({
  type: 'redis',
  program: 'redis-server',
  make,
  answers: [
    [{ text: 'GET "user name"' }, 'Zoë'],
    [{ text: 'LRANGE list 0 -1\nGET nothing\n\nDBSIZE' }, 'a\nb\nc\n\n2'],
    [{ text: 'GET other', database: '3' }, '1'],
    [{ text: 'MULTI\nGET "user name"\nLLEN list\nEXEC' }, 'OK\nQUEUED\nQUEUED\nZoë\n3'],
  ],
  refusals: [
    [{ text: 'NOTHING' }, /unknown command/],
    [{ text: 'PING\nINCR "user name"\nPING' }, /not an integer/],
    // redis-cli would go to another server.
    [{ text: 'connect 127.0.0.1 6379' }, /unknown command/],
    [{ text: 'PING', database: '99' }, /out of range/],
    [{ text: 'GET "unbalanced' }, /unbalanced quotes/],
  ],
  write: ['SET written 1'],
  written: ['GET written', '1'],
  async reachOut(ask, port) {
    await assert.rejects(ask({ text: `MIGRATE 127.0.0.1 ${port} list 0 1000` }), /IOERR|Can't connect|unreachable/);
  },
  async byEnv({ REDIS_SOCKET: socket = '' }) {
    return (await runProgram({ command: 'redis-cli', args: ['-s', socket, 'GET', 'user name'] })).stdout;
  },
});
