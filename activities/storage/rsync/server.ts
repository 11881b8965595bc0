/** The ssh server of a destination, and how ssh is told to speak to it: by nothing of the user's. */
import type { Secret } from '../../../model/config/secret.ts';
import { targetOf, type RsyncDestination } from '../../../model/config/destinations/rsync.ts';
import type { SecretReader } from '../../config/secrets.ts';

export interface Server {
  /** Name of the destination, for messages. */
  readonly name: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Folder there, without its last slash; '' is where a login begins. */
  readonly root: string;
  /** The private key. */
  readonly key: Secret;
  /** A file with host keys that are believed, or the lines themselves. */
  readonly hostKeys: { readonly file: string } | { readonly lines: readonly string[] };
  readonly readSecret: SecretReader;
}

/** @param key the key of the config, or another one that deletes. */
export function serverOf(
  {
    name,
    config,
    readSecret,
  }: { readonly name: string; readonly config: RsyncDestination; readonly readSecret: SecretReader },
  key: Secret = config.key,
): Server {
  const { target, port, knownHosts, hostKey } = config;
  const hostKeys = hostKey === undefined ? { file: knownHosts } : { lines: [hostKey].flat() };
  return { name, ...targetOf(target), port, key, hostKeys, readSecret };
}

/** Seconds until a connection must stand, and between two questions whether the other side is still there. */
const CONNECT = 20;
const ALIVE = 5;
/** Unanswered questions after which the link counts as dead. */
const UNANSWERED = 4;

/** `[host]:port`, as known_hosts names a server that is not on port 22. */
export function knownName({ host, port }: Pick<Server, 'host' | 'port'>): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The content of a known_hosts file out of lines with or without a name. */
export function knownHostsText(server: Pick<Server, 'host' | 'port'>, lines: readonly string[]): string {
  return lines.map((line) => `${/^(?:ssh|ecdsa|sk)-/.test(line) ? `${knownName(server)} ` : ''}${line}\n`).join('');
}

/**
 * Options of every ssh: no file of the user's or the machine's, no agent but ours, which holds the one key; no question
 * to anybody; nothing forwarded. A host key is believed only where it is known before.
 */
export function sshOptions(
  server: Server,
  files: { readonly agent: string; readonly knownHosts: string },
): readonly string[] {
  const options = {
    BatchMode: 'yes',
    IdentityFile: 'none',
    IdentityAgent: files.agent,
    PreferredAuthentications: 'publickey',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: quoted(files.knownHosts),
    GlobalKnownHostsFile: '/dev/null',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ControlPersist: 'no',
    ConnectTimeout: String(CONNECT),
    ServerAliveInterval: String(ALIVE),
    ServerAliveCountMax: String(UNANSWERED),
    EscapeChar: 'none',
    LogLevel: 'ERROR',
  };
  return [
    '-F',
    '/dev/null',
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    '-p',
    String(server.port),
    ...(server.user === undefined ? [] : ['-l', server.user]),
  ];
}

/** ssh splits lists of files at spaces, and knows double quotes. */
function quoted(file: string): string {
  return `"${file}"`;
}
