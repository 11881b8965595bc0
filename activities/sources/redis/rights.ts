/**
 * Whether the user may do what its method needs, without doing it. An ACL can only be looked up with rights that the
 * backup's users do not have, so each command is sent in a form that the server refuses once it has let the user pass.
 */
import { Socket } from 'node:net';
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Finding } from '../../../model/finding.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { command, type Asking } from './client.ts';
import { client, describeUser } from './connection.ts';
import { complaint, isDenied } from './errors.ts';

/** Commands that the user lacks for a method. */
export async function lackingRights(
  asking: Asking,
  method: RedisSource['method'],
  work: Work,
): Promise<readonly string[]> {
  if (method === 'stream') return replicationRights(asking, work);
  if (method === 'save') return (await mayBgsave(asking)) ? [] : ['bgsave'];
  return [];
}

/** As findings, with the command that grants them. */
export function rightsFindings(
  lacking: readonly string[],
  { connection }: Pick<Asking, 'connection'>,
  subject: string,
): readonly Finding[] {
  const user = describeUser(connection);
  return lacking.map((name) => ({
    code: `redis.acl-${name}`,
    severity: 'error',
    message: `user "${user}" may not run ${name.toUpperCase()}`,
    remedy: `redis-cli ACL SETUSER ${user} ${lacking.map((each) => `+${each}`).join(' ')}, then ACL SAVE or CONFIG REWRITE`,
    subject,
  }));
}

/** A word that BGSAVE does not know is a syntax error, and no save. */
async function mayBgsave(asking: Asking): Promise<boolean> {
  try {
    await command(asking, ['BGSAVE', 'mosaic-probe']);
    return true;
  } catch (error) {
    if (isDenied(error)) return false;
    if (error instanceof BackupError && /syntax/i.test(String(error.facts['answer']))) return true;
    throw error;
  }
}

/**
 * SYNC in one packet behind a PING: its answer is not written yet, and the server refuses to begin a transfer "with
 * pending output" (a replica that does not hear its master refuses at once). REPLCONF with one word too few is a syntax
 * error. redis-cli --pipe sends all at once, and then waits for the answer to an ECHO that the user may not run: it is
 * ended once SYNC is answered.
 */
async function replicationRights({ connection, signal }: Asking, work: Work): Promise<readonly string[]> {
  const denied = new Set<string>();
  const answered = new AbortController();
  const said: string[] = [];
  function onStderr(line: string): void {
    said.push(line);
    const name = /NOPERM.*'([^']+)' command/.exec(line)?.[1];
    if (name === 'sync' || name === 'replconf') denied.add(name);
    if (name === 'sync' || /pending output|NOMASTERLINK/.test(line)) answered.abort();
  }
  const words = ['--pipe', '--pipe-timeout', String(PATIENCE)];
  try {
    await runPipeline({
      programs: [{ ...client(connection, words), onStderr }],
      feed: (fd) =>
        new Promise((resolve, reject) => {
          const socket = new Socket({ fd, readable: false, writable: true });
          socket.on('error', reject).end('PING\r\nREPLCONF mosaic-probe\r\nSYNC\r\n', resolve);
        }),
      bytes: () => 0,
      phase: 'preflight',
      total: null,
      work: { ...work, signal: AbortSignal.any([signal, answered.signal]), progress: () => undefined },
    });
  } catch (error) {
    stopIfCancelled(signal);
    if (!answered.signal.aborted) throw complaint(said.join('\n'), connection) ?? error;
  }
  return [...denied];
}

/** Seconds for an answer. */
const PATIENCE = 10;
