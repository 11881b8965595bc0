/** The words by which the embedded Temporal is started: one process, with its data in a file. */
import { HOST } from '../../workers/loopback.ts';

export interface ServerWords {
  readonly database: string;
  readonly port: number;
  /** Of the Web UI; null without one. */
  readonly uiPort: number | null;
}

const SETTINGS = [
  // A queue is one partition: all of them would be served by the one process. With more, a step that lies in one waits until a poll of
  // another was passed on, and each of a hundred hosts has its queues loaded four times.
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

/**
 * Commits are durable either way; with a log they take one fsync(2) instead of four or five, of which a step of a run has dozens
 * (https://www.sqlite.org/wal.html).
 */
const PRAGMAS = ['journal_mode=wal', 'synchronous=full'];

/** Behind the name of the program. Nothing of the user's own configuration of Temporal is read. */
export function serverWords({ database, port, uiPort }: ServerWords): readonly string[] {
  const where = ['--db-filename', database, '--ip', HOST, '--port', String(port)];
  const ui = uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)];
  const settings = SETTINGS.flatMap((setting) => ['--dynamic-config-value', setting]);
  const pragmas = PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]);
  const own = ['--log-level', 'error', '--disable-config-env', '--disable-config-file'];
  return ['server', 'start-dev', ...where, ...ui, ...own, ...settings, ...pragmas];
}
