/** Docker's own interface, and what its failures mean. */
import { createRequire } from 'node:module';
import type Docker from 'dockerode';
import { BackupError } from '../../model/errors.ts';
import { messageOf } from '../streams/errno.ts';

/** Milliseconds within which Docker answers a question about a container. */
const ANSWER = 30_000;

const require = createRequire(import.meta.url);

/** Loaded when somebody asks Docker: it is a fifth of all that a restore would load, and most sites have no container. */
function client(options: Docker.DockerOptions): Docker {
  // `require` knows no types.
  const Client = require('dockerode') as typeof Docker;
  return new Client(options);
}

export function dockerAt(socket: string): Docker {
  return client({ socketPath: socket, timeout: ANSWER });
}

/** For a connection that stays open with nothing to say, as one that holds a container's input. */
export function patientDockerAt(socket: string): Docker {
  return client({ socketPath: socket });
}

/** HTTP status of a refusal of Docker's, or Node's code of a failed connection. */
export function refusalOf(error: unknown): number | string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What asking Docker failed with, as a BackupError. */
export function dockerError(error: unknown, socket: string): BackupError {
  if (error instanceof BackupError) return error;
  const why = messageOf(error);
  const facts = { socket, answer: why };
  const refusal = refusalOf(error);
  if (refusal === 'EACCES' || refusal === 'EPERM') {
    return new BackupError('access-denied', `Docker's socket ${socket} is not open to this user`, {
      remedy:
        'Run the worker as root, or add its user to the group docker (which is as much as root) and start it anew.',
      facts,
      cause: error,
    });
  }
  if (typeof refusal === 'string') {
    return new BackupError('unreachable', `Docker does not answer at ${socket}: ${why}`, {
      remedy: 'Start it (systemctl start docker), or let "socket" of the container name the socket where it listens.',
      facts,
      cause: error,
    });
  }
  return new BackupError('failed', `Docker at ${socket}: ${why}`, {
    remedy: 'Look at the messages of Docker: journalctl -u docker',
    facts,
    cause: error,
  });
}
