/**
 * An ssh-agent of our own for one key. So the key, which may come from a command or from systemd, lies in no file of ours
 * and in no argument: it goes to the agent by a pipe, and is gone with it. ssh itself reads keys from files only.
 */
import { BackupError } from '../../../model/errors.ts';
import { describeSecret } from '../../config/secrets.ts';
import { runProgram } from '../../streams/run.ts';
import { startHelper } from './helper.ts';
import type { Server } from './server.ts';

/** Milliseconds. */
const START = 10_000;

/** Runs `body` while an agent with the server's key listens at `socket`. */
export async function withAgent<T>(server: Server, socket: string, body: () => Promise<T>): Promise<T> {
  const key = await server.readSecret(server.key);
  const agent = startHelper({ command: 'ssh-agent', args: ['-D', '-a', socket], withoutSetId: true });
  try {
    if (!(await agent.appears(socket, START))) throw notStarted(await agent.end());
    await addKey(server, socket, key);
    return await body();
  } finally {
    await agent.end();
  }
}

async function addKey(server: Server, socket: string, key: string): Promise<void> {
  try {
    await runProgram(
      // Nobody is there to answer for a passphrase.
      {
        command: 'ssh-add',
        args: ['-q', '-'],
        env: { SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never', DISPLAY: undefined },
      },
      { input: `${key}\n`, timeout: START },
    );
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    // What ssh-add says may quote the key's file, never the key; but a name alone tells enough.
    throw new BackupError(
      'config',
      `The key of ${server.name}, from ${describeSecret(server.key)}, is no private key that ssh can use, or has a passphrase.`,
      {
        remedy:
          "Make one without a passphrase: ssh-keygen -t ed25519 -N '' -f FILE. What protects it is its file mode.",
        facts: { destination: server.name },
        retryable: true,
      },
    );
  }
}

function notStarted(said: string): BackupError {
  return new BackupError('failed', `ssh-agent did not start: ${said.trim()}`);
}
