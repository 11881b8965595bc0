/**
 * A conversation with a server in its own protocol, of bytes: names and dumped values of keys are no text, and redis-cli takes one of them at a time.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BackupError } from '../../../model/errors.ts';
import { messageOf } from '../../streams/errno.ts';
import { describeServer, type Connection } from './connection.ts';

/** A number, bytes, null, an error of the server, or a list of them. */
export type Answer = number | Buffer | null | ServerError | readonly Answer[];
export interface ServerError {
  readonly error: string;
}
export type Words = readonly (string | Buffer)[];

export interface Talk {
  /** Sends all of them and waits for all answers, which come in their order. @throws BackupError `unreachable`. */
  ask(commands: readonly Words[]): Promise<readonly Answer[]>;
  close(): void;
}

/** Milliseconds without a byte while an answer is waited for, unless it is said otherwise. */
const PATIENCE = 30_000;

/** Connects and logs in. @throws BackupError `unreachable`, `access-denied`. */
export async function openTalk(
  connection: Connection,
  database: number,
  signal: AbortSignal,
  patience = PATIENCE,
): Promise<Talk> {
  const socket = await connected(connection, signal);
  const answers = answersOf(socket);
  async function ask(commands: readonly Words[]): Promise<readonly Answer[]> {
    const found: Answer[] = [];
    socket.setTimeout(patience);
    socket.write(Buffer.concat(commands.map(encoded)));
    while (found.length < commands.length) {
      const { value } = await answers.next().catch((error: unknown) => {
        throw unreachable(connection, messageOf(error));
      });
      if (value === undefined) throw unreachable(connection, 'it has ended the connection');
      found.push(value);
    }
    socket.setTimeout(0);
    return found;
  }
  try {
    const { user, password } = connection;
    // A user who is named and has no password logs in with an empty one: else it were the default user's rights that count.
    const login = (user ?? password) === undefined ? [] : [['AUTH', user ?? 'default', password ?? '']];
    const select = database === 0 ? [] : [['SELECT', String(database)]];
    for (const answer of await ask([...login, ...select, ['PING']])) requireGood(answer, connection);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return { ask, close: () => void socket.destroy() };
}

export function isError(answer: Answer | undefined): answer is ServerError {
  return typeof answer === 'object' && answer !== null && 'error' in answer;
}

function requireGood(answer: Answer, connection: Connection): void {
  if (!isError(answer)) return;
  const { error } = answer;
  const isDenied = /^(?:NOAUTH|WRONGPASS|NOPERM)/.test(error);
  throw new BackupError(isDenied ? 'access-denied' : 'refused', `Redis at ${describeServer(connection)}: ${error}`, {
    remedy: 'Look at user=… of --into, and at --password-file or --password-env.',
  });
}

async function connected(connection: Connection, signal: AbortSignal): Promise<Socket> {
  const { host, port, socket: file, ca } = connection;
  const at = file === undefined ? { host, port } : { path: file };
  const socket = ca === undefined ? connect(at) : connectTls({ ...at, servername: host, ca: await readFile(ca) });
  socket.setTimeout(PATIENCE, () =>
    socket.destroy(new Error(`no answer for ${(socket.timeout ?? PATIENCE) / 1000} s`)),
  );
  try {
    await once(socket, ca === undefined ? 'connect' : 'secureConnect', { signal });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw unreachable(connection, messageOf(error));
  }
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  // What ends the connection ends the answers.
  socket.on('error', () => undefined);
  return socket;
}

function unreachable(connection: Connection, why: string): BackupError {
  return new BackupError('unreachable', `Redis at ${describeServer(connection)} does not answer: ${why}`, {
    remedy: 'Look at --into, and whether the server runs.',
  });
}

function encoded(words: Words): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

async function* answersOf(socket: Socket): AsyncGenerator<Answer, undefined> {
  let received: Buffer[] = [];
  let wanted = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received.push(Buffer.from(chunk));
    const length = received.reduce((sum, one) => sum + one.length, 0);
    // A value of megabytes is put together once, and not with each piece.
    if (length < wanted) continue;
    let bytes = Buffer.concat(received);
    for (;;) {
      const parsed = parse(bytes, 0);
      if ('wants' in parsed) {
        wanted = parsed.wants;
        break;
      }
      bytes = bytes.subarray(parsed.end);
      yield parsed.answer;
    }
    received = [bytes];
  }
  return undefined;
}

type Parsed = { readonly answer: Answer; readonly end: number } | { readonly wants: number };

function parse(bytes: Buffer, at: number): Parsed {
  const line = bytes.indexOf('\r\n', at);
  if (line < 0) return { wants: 0 };
  const kind = String.fromCharCode(bytes[at] ?? 0);
  const text = bytes.toString('utf8', at + 1, line);
  const next = line + 2;
  if (kind === '+') return { answer: Buffer.from(text), end: next };
  if (kind === '-') return { answer: { error: text }, end: next };
  if (kind === ':') return { answer: Number(text), end: next };
  const count = Number(text);
  if (kind === '_' || count < 0) return { answer: null, end: next };
  if (kind === '$') {
    const end = next + count + 2;
    return bytes.length < end ? { wants: end } : { answer: bytes.subarray(next, next + count), end };
  }
  if (kind !== '*') throw new BackupError('failed', `Redis answers what is not of its protocol: ${kind}`);
  const answers: Answer[] = [];
  let end = next;
  while (answers.length < count) {
    const parsed = parse(bytes, end);
    if ('wants' in parsed) return parsed;
    answers.push(parsed.answer);
    ({ end } = parsed);
  }
  return { answer: answers, end };
}
