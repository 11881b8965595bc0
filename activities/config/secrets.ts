/** Reading of secrets from where the config says they are, and their removal from what is printed. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Secret } from '../../model/config/secret.ts';
import type { Environment } from './interpolate.ts';

/** Reads a secret, without its last line break. Values read are remembered for redaction, and never logged. */
export type SecretReader = (secret: Secret) => Promise<string>;

export interface Secrets {
  readonly readSecret: SecretReader;
  /** Replaces every secret that was read by `***`, the longest first. */
  readonly redact: (text: string) => string;
}

/** Milliseconds that a command may take to print its secret. */
const COMMAND_TIMEOUT = 30_000;

export interface SecretOptions {
  /** Called once for each secret file that others can read. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Ends a command that is still to print its secret. */
  readonly signal?: AbortSignal | undefined;
}

export function secretReader(env: Environment, { warn = () => {}, signal }: SecretOptions = {}): Secrets {
  const known = new Set<string>();
  const warned = new Set<string>();

  async function readSecret(secret: Secret): Promise<string> {
    const warnOnce = (message: string) => {
      if (!warned.has(message)) warn(message);
      warned.add(message);
    };
    const value = await read(secret, env, { warn: warnOnce, signal });
    if (value === '') throw unreadable(`${describeSecret(secret)} is empty`, 'Write the secret there.');
    for (const form of formsOf(value)) known.add(form);
    return value;
  }

  function redact(text: string): string {
    return [...known]
      .toSorted((a, b) => b.length - a.length)
      .reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }

  return { readSecret, redact };
}

/** How a message names a secret: where it comes from, never what it is. */
export function describeSecret(secret: Secret): string {
  if ('file' in secret) return `the secret file ${secret.file}`;
  if ('env' in secret) return `the variable ${secret.env}`;
  if ('credential' in secret) return `the credential ${secret.credential}`;
  return `the output of ${secret.command[0] ?? 'the command'}`;
}

interface Reading {
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

function read(secret: Secret, env: Environment, { warn, signal }: Reading): Promise<string> {
  if ('file' in secret) return readSecretFile(secret.file, warn);
  if ('env' in secret) return readVariable(secret.env, env);
  if ('credential' in secret) return readCredential(secret.credential, env);
  return readCommand(secret.command, signal);
}

async function readSecretFile(file: string, warn: (message: string) => void): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) warn(`the secret file ${file} can be read by others: chmod 600 ${file}`);
    return withoutLineBreak(await readFile(file, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'cannot be read by this user'
          : `cannot be read (${code})`;
    throw unreadable(
      `the secret file ${file} ${why}`,
      'Create it with mode 0600, owned by the user that runs mosaic-backup.',
    );
  }
}

async function readVariable(name: string, env: Environment): Promise<string> {
  const value = env[name];
  if (value === undefined)
    throw unreadable(
      `the variable ${name}, which holds a secret, is not set`,
      'Set it in the environment of the program.',
    );
  return withoutLineBreak(value);
}

async function readCredential(name: string, env: Environment): Promise<string> {
  const folder = env['CREDENTIALS_DIRECTORY'];
  if (folder) return readSecretFile(path.join(folder, name), () => {});
  const remedy = `Start it as a systemd service with LoadCredential=${name}:/path/of/the/secret.`;
  throw unreadable(`there is no credential ${name}: systemd gave none`, remedy);
}

async function readCommand(
  [command = '', ...args]: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const { runProgram } = await import('../streams/run.ts');
  try {
    const { stdout } = await runProgram({ command, args }, { timeout: COMMAND_TIMEOUT, signal });
    return stdout;
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const code = error.facts['code'];
    const why =
      error.code === 'missing-program'
        ? 'was not found'
        : typeof code === 'number'
          ? `ended with ${code}`
          : 'did not end by itself';
    // Neither its arguments nor what it printed, which that error tells: either may hold the secret.
    throw unreadable(
      `the command ${command}, which prints a secret, ${why}`,
      'Run it by hand as the user that runs mosaic-backup.',
    );
  }
}

/** Repairable while a run waits, so it is tried again. */
function unreadable(message: string, remedy: string): BackupError {
  return new BackupError('config', message, { remedy, retryable: true });
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** A secret as it may turn up: whole, line by line (keys in PEM), in a URL, in JSON. */
function formsOf(value: string): readonly string[] {
  const lines = value.split('\n').map((line) => line.trim());
  // Short lines of a longer secret are words such as a comment's, and protect nothing.
  const parts = lines.length > 1 ? lines.filter((line) => line.length >= 16 && !line.startsWith('#')) : lines;
  return [value, ...parts, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)].filter((form) => form !== '');
}
