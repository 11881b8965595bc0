/**
 * A snapshot over replication: redis-cli asks the server for one as a replica would, and passes it on.
 *
 * Without a disk between (repl-diskless-sync, the default) the server cannot say how long the snapshot will be, and
 * ends it with a mark of 40 random bytes. redis-cli 7.0 cuts the mark off a file, but leaves it on a pipe: so what is
 * stored may be 40 bytes longer than the RDB. Its length is what redis-cli says in the end, and a restore cuts it there.
 * Servers ignore what follows an RDB's checksum, so an artifact that was opened by hand loads as it is.
 */
import { BackupError } from '../../../model/errors.ts';
import { gatherInfo } from './facts.ts';
import { client } from './connection.ts';
import { programComplaint } from './errors.ts';
import { windowBetween } from './inventory.ts';
import { rfc3339 } from './position.ts';
import { leastRdbBytes, type Info, type Taken, type Taking } from './taken.ts';

const MARK_BYTES = 40;

export async function takeStream({ context, asking, facts }: Taking): Promise<Taken> {
  const messages = messageReader(() => gatherInfo(asking));
  const producer = { ...client(asking.connection, ['--rdb', '-']), onStderr: messages.onStderr };
  const options = { role: 'base', name: 'dump.rdb', minPlainBytes: leastRdbBytes(facts) };
  const { plainBytes } = await context.artifacts.stream(producer, options).catch((error: unknown) => {
    throw programComplaint(error, asking.connection);
  });
  const { rdbBytes, began } = await messages.result();
  if (plainBytes !== rdbBytes && plainBytes !== rdbBytes + MARK_BYTES) {
    throw new BackupError('implausible-size', `redis-cli spoke of ${rdbBytes} bytes, and ${plainBytes} came.`, {
      facts: { rdbBytes, plainBytes },
    });
  }
  return {
    counted: facts,
    window: windowBetween(facts, began),
    position: {
      why: 'a snapshot over replication: nothing of the server has to be visible on this host',
      times: { from: rfc3339(facts.time), to: rfc3339(began.time), every: false },
      rdbBytes,
    },
  };
}

/** What redis-cli tells on the way: when the transfer begins, the snapshot has been taken; and how long it was. */
function messageReader(look: () => Promise<Info>) {
  let began: Promise<Info> | undefined;
  let announced: number | undefined;
  let rdbBytes: number | undefined;
  return {
    onStderr(this: void, line: string): void {
      if (line.startsWith('SYNC sent to master, writing')) {
        announced = numberIn(/writing (\d+) bytes to/, line);
        began = look();
        // Whoever waits for it is told; until then the transfer goes on.
        began.catch(() => undefined);
      }
      if (line.startsWith('Transfer finished with success'))
        rdbBytes = numberIn(/after (\d+) bytes/, line) ?? announced;
    },
    async result() {
      if (began !== undefined && rdbBytes !== undefined) return { rdbBytes, began: await began };
      throw new BackupError('failed', 'redis-cli did not say how long the snapshot is that it passed on', {
        remedy: 'Look at the version of redis-cli; report this with the output of "redis-cli --version".',
      });
    },
  };
}

function numberIn(pattern: RegExp, line: string): number | undefined {
  const digits = pattern.exec(line)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
