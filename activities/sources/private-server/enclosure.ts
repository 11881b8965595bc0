/**
 * What runs on restored data is cut off from production: whatever stands in them (events, triggers, subscriptions, foreign tables, mail)
 * reaches no network, no socket of a server of this machine, and no file but its own. It is no prison for a program that wants out: that
 * runs as a user that may do nothing, besides.
 */
import { realpath } from 'node:fs/promises';
import { isWithin } from '../../../model/config/folders.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';
import { ENCLOSING } from './enclosing-program.ts';
import { offlinePrefix, offlineWay } from './offline.ts';
import type { ServerUser } from './user.ts';

export interface Enclosed {
  /** Folders that it may write to. The rest of the machine it can only read. */
  readonly writable: readonly string[];
  /** Folders that it must see, wherever they are. */
  readonly visible?: readonly string[];
  /** Folders of its programs and what belongs to them, which may lie where everything is hidden. */
  readonly programs?: readonly string[];
  /** It may listen on 127.0.0.1, of a network that nobody else is in. */
  readonly loopback?: boolean;
}

/** How far this machine allows it: all of it; a network of its own, but files and sockets as they are; nothing. */
export type Cut = 'all' | 'network' | 'nothing';

export interface Allowed {
  readonly cut: Cut;
  /** Why it is no more; null where it is all. */
  readonly why: string | null;
}

const NO_RIGHTS = ['--inh-caps=-all', '--ambient-caps=-all'] as const;

/** Where servers of a machine have their sockets and everybody may write. Empty inside. */
const HIDDEN = ['/run', '/tmp', '/var/tmp', '/dev/shm'] as const;

/** Once all of it was allowed it is not tried before each server: where it is no more, that server does not start. */
let isAllAllowed = false;

/** What this machine allows a process of ours. In a container without CAP_SYS_ADMIN it is nothing. */
export async function allowedHere(): Promise<Allowed> {
  const all = isAllAllowed ? null : await refusalOf(['unshare', ...everything(), ...enclosing({ writable: [] })]);
  isAllAllowed = all === null;
  if (all === null) return { cut: 'all', why: null };
  const network = await offlineWay(undefined);
  return network.way === 'none' ? { cut: 'nothing', why: network.why } : { cut: 'network', why: all };
}

export interface Enclosing {
  /** What stands before a command. */
  readonly prefix: readonly string[];
  /** Options of the setpriv that stands between: they give back the rights that it took to close the way out. */
  readonly privileges: readonly string[];
  readonly cut: Cut;
  /** The command is run as its user already, and cannot become him again. */
  readonly isUser?: boolean;
}

/** Cuts a command off, as far as this machine allows it. @param user whom root then makes of it; undefined: nobody else. */
export async function enclosedBy(enclosed: Enclosed, user?: ServerUser): Promise<Enclosing> {
  const { cut } = await allowedHere();
  if (cut === 'nothing') return { prefix: [], privileges: [], cut };
  const privileges = isRoot() ? [] : NO_RIGHTS;
  if (cut === 'network') {
    const { words, isUser } = await offlinePrefix(user);
    return { prefix: words, privileges, cut: words.length === 0 ? 'nothing' : cut, isUser };
  }
  const { writable, visible = [], programs = [], loopback = false } = enclosed;
  const lost = programs.filter((folder) => HIDDEN.some((hidden) => isWithin(folder, hidden)));
  const places = { writable: await placesOf(writable), visible: await placesOf([...visible, ...lost]), loopback };
  return { prefix: [locate('unshare'), ...everything(), ...enclosing(places)], privileges, cut };
}

/** Said in the report of a test where this machine does not allow all of it; null where it does. */
export async function isolationCheck(): Promise<Check | null> {
  const { cut, why } = await allowedHere();
  if (cut === 'all') return null;
  const lacks =
    cut === 'network'
      ? 'had no network, but saw the files and sockets of this machine'
      : 'was not cut off from the network, nor from files and sockets';
  const detail = `what ran on the restored data ${lacks}: this machine allows no namespace for it (${why ?? 'it does not say why'})`;
  return { name: 'isolation', compared: false, ok: false, detail };
}

function everything(): readonly string[] {
  return [...ofUsers(), '--net', '--mount', '--propagation', 'private', '--'];
}

/** Only root may have namespaces without one of users. In that one it has every right, until it has closed the way out. */
function ofUsers(): readonly string[] {
  return isRoot() ? [] : ['--user', '--map-current-user', '--keep-caps'];
}

function enclosing({ writable, visible = [], loopback = false }: Enclosed): readonly string[] {
  return [
    locate('perl'),
    '-e',
    ENCLOSING,
    ...HIDDEN.map((folder) => `h:${folder}`),
    ...writable.map((folder) => `w:${folder}`),
    ...visible.map((folder) => `v:${folder}`),
    ...(loopback ? ['l:'] : []),
    '--',
  ];
}

/** By the names that it will be asked for, and by those that it has. */
async function placesOf(folders: readonly string[]): Promise<readonly string[]> {
  const real = await Promise.all(folders.map((folder) => realpath(folder)));
  return [...new Set([...real, ...folders])];
}

async function refusalOf([command = '', ...args]: readonly string[]): Promise<string | null> {
  try {
    await runProgram({ command, args: [...args, locate('true')] });
    return null;
  } catch (error) {
    if (error instanceof BackupError) return error.message;
    throw error;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
