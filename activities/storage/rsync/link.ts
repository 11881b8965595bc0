/**
 * One connection to a server, over which commands and transfers run as sessions of their own (ssh's ControlMaster): the
 * handshake, some 100 ms on both sides, is done once and not for each of the small steps that a copy is made of. The
 * process that holds it is a child of ours, its socket lies in a private folder, and both end some seconds after their
 * last use.
 */
import { rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { locate } from '../../streams/locate.ts';
import type { Program } from '../../streams/types.ts';
import { socketFolder } from '../socket-folder.ts';
import { withAgent } from './agent.ts';
import { connectionError } from './errors.ts';
import { startHelper } from './helper.ts';
import { knownHostsText, sshOptions, type Server } from './server.ts';
import { slots, type Slots } from './slots.ts';

/** A connection as it is made. */
export type OpenLink = Omit<Link, 'hold'>;

export interface Link {
  readonly server: Server;
  /** A command there; what it reads and writes are those of this program. */
  session(command: string): Program;
  /** The same for rsync's -e. */
  readonly shellForRsync: string;
  /** sshd allows ten sessions in a connection: so many transfers, and so many short commands, at once. */
  readonly transfers: Slots;
  readonly commands: Slots;
  /** What was found out about the other side, by name: asked once in a connection. */
  readonly known: Map<string, Promise<boolean>>;
  /** Folders there whose marker was compared: its id, and for what. */
  readonly places: Map<string, { readonly id: string; readonly use: 'read' | 'write' }>;
  /** Keeps it from being closed for being idle, until the function returned is called: for a stream that outlives its call. */
  readonly hold: () => () => void;
  readonly alive: () => boolean;
  /** What the connection itself said of its end. */
  readonly said: () => string;
  /** Called once, when the connection ends. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const PREFIX = 'mosaic-ssh-';
/** Milliseconds, more than ssh takes until it gives up a server that does not answer; then one that answers too slowly. */
const AUTHENTICATED = 40_000;
const TRANSFERS = 4;
const COMMANDS = 5;

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * Connects.
 * @throws BackupError `unreachable`, `access-denied`, `not-authentic` for a host key that has changed, `config` for one that nobody knows or for the key.
 */
export async function openLink(server: Server): Promise<OpenLink> {
  const ssh = locate('ssh');
  const folder = await socketFolder(PREFIX);
  folders.add(folder);
  async function forget(): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
  try {
    const files = { agent: path.join(folder, 'agent'), knownHosts: await knownHostsFile(server, folder) };
    const socket = path.join(folder, 'link');
    const master = await withAgent(server, files.agent, async () => {
      const args = [...sshOptions(server, files), '-M', '-S', socket, '-N', '-T', server.host];
      const helper = startHelper({
        command: ssh,
        args,
        env: { SSH_AUTH_SOCK: undefined, SSH_ASKPASS_REQUIRE: 'never' },
      });
      if (await helper.appears(socket, AUTHENTICATED)) return helper;
      throw connectionError(server, await helper.end());
    });
    // With the connection gone, ssh would try one of its own: `false` in its place ends that at once.
    const through = [
      '-F',
      '/dev/null',
      '-S',
      socket,
      '-o',
      'ControlMaster=no',
      '-o',
      'ProxyCommand=false',
      '-o',
      'BatchMode=yes',
      '-o',
      'LogLevel=ERROR',
      '-T',
    ];
    return {
      server,
      session: (command) => ({ command: ssh, args: [...through, server.host, command] }),
      shellForRsync: [ssh, ...through].map((word) => (/^[\w/.=-]+$/.test(word) ? word : `'${word}'`)).join(' '),
      transfers: slots(TRANSFERS),
      commands: slots(COMMANDS),
      known: new Map(),
      places: new Map(),
      alive: master.running,
      said: master.said,
      ended: master.exited,
      async close() {
        await master.end();
        await forget();
      },
    };
  } catch (error) {
    await forget();
    throw error;
  }
}

async function knownHostsFile(server: Server, folder: string): Promise<string> {
  if ('file' in server.hostKeys) return server.hostKeys.file;
  const file = path.join(folder, 'known_hosts');
  await writeFile(file, knownHostsText(server, server.hostKeys.lines));
  return file;
}
