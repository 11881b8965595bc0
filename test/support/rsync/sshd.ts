/** A real sshd on loopback, with keys, config and port of its own: the other side of rsync destinations. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { locate } from '../../../activities/streams/locate.ts';
import { temporaryFolder } from '../folders.ts';
import { freePort, listens } from '../ports.ts';
import { until } from '../until.ts';

export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** Type and key, as in `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Makes a key and lets it in. @param options what stands before it in authorized_keys; '' for a login with a shell. */
  addKey(options?: string): Promise<ClientKey>;
  /** What it has logged. */
  readonly log: () => string;
  stop(): Promise<void>;
}

export interface ClientKey {
  /** The private key. */
  readonly file: string;
  readonly publicKey: string;
}

export interface SshdOptions {
  readonly port?: number;
  /** Further lines of sshd_config. */
  readonly config?: readonly string[];
}

/** Starts one that lets in this test's own user, by the keys that are added. */
export async function startSshd({ port, config = [] }: SshdOptions = {}): Promise<Sshd> {
  const folder = await temporaryFolder();
  const hostKey = await makeKey(path.join(folder, 'host'));
  const own = port ?? (await freePort());
  const authorized = path.join(folder, 'authorized_keys');
  await writeFile(authorized, '');
  // Where it locks itself in before anybody has logged in; the service makes it where there is one.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const file = path.join(folder, 'sshd_config');
  await writeFile(file, `${[...settings(own, folder, authorized), ...config].join('\n')}\n`);
  const { child, log } = start(file);
  await until('sshd listens', () => listens(own));
  let keys = 0;
  return {
    port: own,
    user: userInfo().username,
    hostKey: hostKey.publicKey,
    log,
    async addKey(options = '') {
      keys += 1;
      const key = await makeKey(path.join(folder, `key-${keys}`));
      const line = `${options === '' ? '' : `${options} `}${key.publicKey}\n`;
      await appendFile(authorized, line);
      return key;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function settings(port: number, folder: string, authorized: string): readonly string[] {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${path.join(folder, 'host')}`,
    'PidFile none',
    `AuthorizedKeysFile ${authorized}`,
    'AuthenticationMethods publickey',
    'PermitRootLogin yes',
    'UsePAM no',
    // The folders of a test may be written by all.
    'StrictModes no',
    'LogLevel VERBOSE',
    // What the user's own .bashrc does and prints is none of a test's.
    `SetEnv HOME=${folder}`,
  ];
}

function start(file: string) {
  let text = '';
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', locate('sshd'), '-D', '-e', '-f', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return { child, log: () => text };
}

async function makeKey(file: string): Promise<ClientKey> {
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
  const [type, key] = (await readFile(`${file}.pub`, 'utf8')).split(' ');
  return { file, publicKey: `${type} ${key}` };
}
