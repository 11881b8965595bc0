/** The destination type `rsync`: a folder on another machine, by rsync over ssh. */
import { z } from 'zod';
import { size } from '../../units.ts';
import { absolutePath, port } from '../fields.ts';
import { secret } from '../secret.ts';
import { common } from './common.ts';

/**
 * `user@host:folder`, the host in brackets where it is an address of IPv6. Nothing in it means anything to a shell: the
 * folder stands in a command line of the other side, and old versions of rsync let the shell there split it.
 */
const TARGET =
  /^(?:([A-Za-z0-9_][A-Za-z0-9_.-]*\$?)@)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):([A-Za-z0-9._+@,=/-]*)$/;

/** A key as ssh-keyscan prints it, with or without the host's name before it. */
const HOST_KEY = /^(?:\S+ )?(?:ssh-[a-z0-9-]+|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,2}(?: .*)?$/;

export const DEFAULT_KNOWN_HOSTS = '/etc/mosaic-backup/known_hosts';

const hostKey = z
  .string()
  .regex(HOST_KEY, 'not a host key\nWrite a line of `ssh-keyscan HOST`, as in ssh-ed25519 AAAAC3Nza….');

export const rsyncDestination = z.strictObject({
  type: z.literal('rsync'),
  ...common,
  target: z
    .string()
    .regex(
      TARGET,
      'not a folder of another machine\nWrite user@host:folder, as in backup@vault:/srv/backups; the folder without spaces and signs.',
    )
    .refine((target) => !targetOf(target).root.split('/').includes('..'), 'a folder without ..')
    .describe('user@host:folder; behind rrsync the folder is seen from the one that rrsync allows, so it is /'),
  port: port.default(22).describe('of the ssh server'),
  key: secret.describe('private key for ssh, without a passphrase'),
  knownHosts: absolutePath
    .default(DEFAULT_KNOWN_HOSTS)
    .describe('file with the keys of ssh servers that are believed, as ssh-keyscan prints them'),
  hostKey: z
    .union([hostKey, z.array(hostKey).min(1)])
    .optional()
    .describe('the key of the ssh server, or several; in place of knownHosts'),
  shell: z
    .union([z.boolean(), z.literal('auto')], { error: 'not an answer\nWrite true, false or auto.' })
    .default('auto')
    .describe('whether commands may be run there, or rsync alone (rrsync); auto: found out'),
  confirm: z
    .enum(['checksum', 'read'])
    .default('checksum')
    .describe(
      'how a copy is confirmed where there is no shell: by the MD5 that rsync there reads from it, or by reading it back whole',
    ),
  maxRate: size
    .refine((bytes) => bytes >= 1024, 'next to nothing would ever be sent\nWrite bytes in a second, as in 10MiB.')
    .optional()
    .describe('bytes in a second'),
  prune: z
    .union([z.literal(true), z.strictObject({ key: secret })], {
      error: 'not who deletes\nWrite true where the writing key may, or { key: … } with another one.',
    })
    .optional()
    .describe('who deletes what retention no longer keeps: true for the writing key; absent: another host'),
});
export type RsyncDestination = z.output<typeof rsyncDestination>;

export interface RsyncTarget {
  /** Absent: the name of the user that runs mosaic-backup. */
  readonly user: string | undefined;
  /** Without brackets. */
  readonly host: string;
  /** Without its last slash; '' is the folder that a login, or rrsync, begins in. */
  readonly root: string;
}

/** The parts of a target that passed the schema. */
export function targetOf(target: string): RsyncTarget {
  const [, user, host = '', root = ''] = TARGET.exec(target) ?? [];
  return { user, host: host.replaceAll(/[[\]]/g, ''), root: root.length > 1 ? root.replace(/\/+$/, '') : root };
}

/** `backup@vault:/srv/backups by rsync over ssh`, for people. */
export function reachOfRsync({ target, port }: RsyncDestination): string {
  return `${target} by rsync over ssh${port === 22 ? '' : `, port ${port}`}`;
}

/** The secrets that it names. */
export function secretsOfRsync({ key, prune }: RsyncDestination) {
  return typeof prune === 'object' ? [key, prune.key] : [key];
}
