/**
 * Commands that somebody else wrote, one a line, to a private server. Not by redis-cli: it would take "connect" in what
 * it reads as a command of its own, to any other server, and says of no error by its exit code when it reads commands.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BackupError } from '../../../model/errors.ts';
import { messageOf } from '../../streams/errno.ts';
import { aborted } from '../../streams/pipeline.ts';
import type { Question } from '../service.ts';
import { parseReply, type Reply } from './reply.ts';

/**
 * What the server answers, as redis-cli prints it where nobody looks on: a line a value, an empty one for none.
 * @throws BackupError `failed` with its word at the first command that it refuses; `unreachable`, `aborted`.
 */
export async function askBySocket(file: string, { text, database }: Question, signal: AbortSignal): Promise<string> {
  if (signal.aborted) throw aborted();
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const socket = await connected(file);
  const cancel = () => void socket.destroy();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const replies = repliesOf(socket);
    const ask = async (line: string): Promise<string> => {
      socket.write(`${line}\r\n`);
      const { value: reply } = await replies.next().catch((error: unknown) => {
        if (error instanceof BackupError) throw error;
        throw signal.aborted ? aborted() : unreachable(messageOf(error));
      });
      if (signal.aborted) throw aborted();
      if (reply === undefined) throw unreachable('it has ended the connection');
      return answerTo(line, reply);
    };
    if (database !== undefined) await ask(`SELECT ${database}`);
    const answers: string[] = [];
    for (const line of lines) answers.push(await ask(line));
    return answers.join('\n');
  } finally {
    signal.removeEventListener('abort', cancel);
    socket.destroy();
  }
}

async function connected(file: string): Promise<Socket> {
  const socket = connect(file);
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw unreachable(messageOf(error));
  }
  // What ends the connection ends the replies.
  socket.on('error', () => undefined);
  return socket;
}

async function* repliesOf(socket: Socket): AsyncGenerator<Reply, undefined> {
  let received = Buffer.alloc(0);
  const chunks = socket.iterator({ destroyOnReturn: false });
  for await (const chunk of chunks) {
    received = Buffer.concat([received, Buffer.from(chunk)]);
    for (;;) {
      const reply = parseReply(received);
      if (!reply) break;
      received = received.subarray(reply.end);
      yield reply;
    }
  }
  return undefined;
}

function answerTo(line: string, { kind, lines }: Reply): string {
  if (kind === 'answer') return lines.join('\n');
  const [command = ''] = line.trim().split(/\s/);
  throw new BackupError('failed', `Redis, ${command}: ${lines.join(' ')}`, { facts: { answer: lines.join(' ') } });
}

function unreachable(why: string): BackupError {
  return new BackupError('unreachable', `The private Redis server does not answer: ${why}`);
}
