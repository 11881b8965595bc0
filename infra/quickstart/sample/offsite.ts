/** The sample's stand-in for another machine: a private sshd over a folder, on a port of this machine alone. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from '../../../activities/storage/fs-errors.ts';
import { locate } from '../../../activities/streams/locate.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import type { SamplePlace } from './place.ts';
import { freePort } from './ports.ts';
import { startServer, type SampleRemote } from './remote.ts';

const SETTINGS = 'sshd_config';
/** The listener puts its words into one, and more behind them as far as there is room. */
const LISTENER = new RegExp(String.raw`^sshd: .* -f (/.*/${SETTINGS})(?: .*)?$`);

export const offsite: SampleRemote = {
  destination: 'offsite',
  engine: 'ssh',
  async start(place) {
    const copies = path.join(place.offsite, 'copies');
    await mkdir(copies, { recursive: true, mode: 0o700 });
    const [host, login] = await keysOf(place);
    const authorized = path.join(place.offsite, 'authorized_keys');
    await writeFile(authorized, `restrict ${login.publicKey}\n`, { mode: 0o600 });
    const port = await freePort();
    const settings = path.join(place.offsite, SETTINGS);
    const log = path.join(place.offsite, 'sshd.log');
    await writeFile(settings, await serverSettings({ port, hostKey: host.file, authorized, home: place.offsite }));
    // Where it locks itself in before anybody has logged in; the service makes it where there is one.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const stop = await startServer({
      engine: 'ssh',
      command: [locate('sshd'), '-D', '-E', log, '-f', settings],
      env: { PATH: process.env['PATH'] },
      port,
      remedy: `See what it says: ${log}`,
    });
    return {
      config: {
        type: 'rsync',
        target: `127.0.0.1:${copies}`,
        port,
        key: { file: login.file },
        hostKey: host.publicKey,
        shell: true,
        prune: true,
      },
      stop,
    };
  },
  servesFrom(words) {
    const [title = ''] = words;
    const settings =
      LISTENER.exec(title)?.[1] ?? (path.basename(title) === 'sshd' ? words.find(isSettings) : undefined);
    return settings === undefined ? undefined : path.dirname(settings);
  },
};

function isSettings(word: string): boolean {
  return path.isAbsolute(word) && path.basename(word) === SETTINGS;
}

interface Settings {
  readonly port: number;
  readonly hostKey: string;
  readonly authorized: string;
  readonly home: string;
}

async function serverSettings({ port, hostKey, authorized, home }: Settings): Promise<string> {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey "${hostKey}"`,
    'PidFile none',
    `AuthorizedKeysFile "${authorized.replaceAll('%', '%%')}"`,
    'AuthenticationMethods publickey',
    'PermitRootLogin prohibit-password',
    `UsePAM ${(await isLocked()) ? 'yes' : 'no'}`,
    // Anybody may write to the folder above the sample's.
    'StrictModes no',
    // What the user's own .bashrc does and prints is none of the sample's.
    `SetEnv "HOME=${home}"`,
    '',
  ].join('\n');
}

/** sshd by itself lets nobody into an account with a locked password, as root's is where sudo is used; with PAM it does. */
async function isLocked(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  return /^root:!/m.test((await ifThere(readFile('/etc/shadow', 'utf8'))) ?? '');
}

/** Made once, and kept with the sample's other keys. */
async function keysOf({ keys }: SamplePlace) {
  const [host, login] = await Promise.all(['ssh-host', 'ssh-login'].map((name) => keyIn(path.join(keys, name))));
  if (!host || !login) throw new TypeError('as many keys as names');
  return [host, login] as const;
}

async function keyIn(file: string) {
  const publicFile = `${file}.pub`;
  // Written last; a start may have been killed before.
  if (!(await ifThere(readFile(publicFile, 'utf8')))?.trim()) {
    await rm(file, { force: true });
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', path.basename(file), '-f', file];
    await runProgram({ command: locate('ssh-keygen'), args });
  }
  const [type = '', key = ''] = (await readFile(publicFile, 'utf8')).split(' ');
  return { file, publicKey: `${type} ${key}` };
}
