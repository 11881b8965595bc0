/** Logs of the command line: on stderr, as lines for people or, under --json, as JSON lines. */
import pino from 'pino';
import type { Logger } from '../../activities/work.ts';
import type { Output } from './output.ts';

export interface LogOptions {
  /** How often -v was given. */
  readonly verbose: number;
  readonly out: Output;
  readonly redact: (text: string) => string;
}

/** Fields that never hold anything fit to be shown, whatever their value. */
const SECRET_FIELDS = ['password', 'passphrase', 'secret', 'token', 'identity', 'privatePem', 'PGPASSWORD'];

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warning', 50: 'error', 60: 'fatal' };

export function createLogger({ verbose, out, redact }: LogOptions): Logger {
  const level = verbose >= 2 ? 'debug' : verbose === 1 ? 'info' : 'warn';
  const destination = {
    write(line: string) {
      out.note(redact(out.json ? line : forPeople(line)));
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '***' },
    },
    destination,
  );
}

/** `12:00:01 warning  message  key=value` */
function forPeople(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as { level: number; time: string; msg: string };
  const fields = Object.entries(facts).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [time.slice(11, 19), LEVELS[level] ?? 'log', msg, ...fields].join('  ');
}
