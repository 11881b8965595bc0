/** The operator's own commands that stop and start a server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { formatDuration } from '../../../model/units.ts';
import { makePath } from '../../storage/durable.ts';
import { locate } from '../../streams/locate.ts';

export interface ServerCommand {
  readonly does: 'stop' | 'start';
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** Milliseconds after which it is given up. */
  readonly within: number;
  /** Folder for what it prints. */
  readonly state: string;
  readonly signal: AbortSignal;
}

/**
 * Runs it to its end, in a session of its own: a server that it starts goes on without us, and keeps whatever it prints
 * to, so that is a file and no pipe of ours. Given up or cancelled it is asked to end, but nothing that it has started.
 * @throws BackupError `program-failed`, with the end of what it printed; `missing-program`.
 */
export async function runServerCommand(options: ServerCommand): Promise<void> {
  const { does, command, within, state, signal } = options;
  const [program = '', ...args] = command;
  await makePath(state);
  const log = path.join(state, `in-place-${does}.log`);
  const output = await open(log, 'w', 0o600);
  try {
    const child = spawn(locate(program), args, {
      cwd: '/',
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
    });
    await once(child, 'spawn');
    const timer = setTimeout(() => child.kill('SIGTERM'), within);
    const cancel = () => child.kill('SIGTERM');
    signal.addEventListener('abort', cancel, { once: true });
    const [code]: (number | null)[] = await once(child, 'exit').finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    });
    if (code === 0) return;
    const how = code === null ? `did not end within ${formatDuration(within)}` : `ended with status ${code}`;
    throw await failed(options, how, log);
  } finally {
    await output.close();
  }
}

async function failed({ does, command, signal }: ServerCommand, how: string, log: string): Promise<BackupError> {
  if (signal.aborted) return new BackupError('aborted', `Cancelled while the command to ${does} the server ran.`);
  const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-10);
  const said = tail.at(-1) ?? '';
  return new BackupError(
    'program-failed',
    `The command to ${does} the server ${how}: ${command.join(' ')}${said === '' ? '' : ` (${said})`}.`,
    {
      remedy: `Try it by hand; it is inPlace.${does} of the source in the config.`,
      facts: { program: command[0] ?? '', log: tail },
    },
  );
}
