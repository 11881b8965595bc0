/** A contender that is a shell command. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { folderBytes } from '../folder-bytes.ts';
import { shell } from '../shell.ts';
import type { Contender } from './types.ts';

export interface Peer {
  readonly name: string;
  /** What is measured. `$WORK` is a folder of its own. */
  readonly command: string;
  /** Run before, unmeasured. */
  readonly before?: string;
  /** Fails unless what is stored holds the data. */
  readonly check: string;
  /** Runs at most, where it takes long. */
  readonly most?: number;
  /** Run after each run, unmeasured: removes what it made. What `before` made then serves all runs. */
  readonly undo?: string;
}

export interface PeerOptions {
  /** A folder that does not exist yet. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What one run has stored stays for the next: for backups of data that are stored already. */
  readonly lasting?: boolean;
}

export function shellContender(peer: Peer, { folder, env, signal, lasting = false }: PeerOptions): Contender {
  const work = path.join(folder, peer.name.replaceAll(/[^\w]+/g, '-'));
  const options = { env: { ...env, WORK: work, ...privateHomes(work) }, signal };
  let prepared = false;
  return {
    name: peer.name,
    settings: peer.command,
    most: peer.most,
    async prepare() {
      if (prepared) return;
      await mkdir(work, { recursive: true, mode: 0o700 });
      if (peer.before) await shell(peer.before, options);
      prepared = lasting || peer.undo !== undefined;
    },
    async run() {
      const before = await folderBytes(work);
      const { seconds, memory } = await shell(peer.command, options);
      const stored = (await folderBytes(work)) - before;
      return { seconds, stored, worker: null, programs: memory.own + memory.children };
    },
    async check() {
      await shell(peer.check, options);
    },
    async clear() {
      if (peer.undo !== undefined) await shell(peer.undo, options);
      else if (!lasting) await rm(work, { recursive: true, force: true });
    },
  };
}

/** Peers keep caches and settings: each in its own folder, so that the user's are neither used nor touched. */
function privateHomes(work: string): Readonly<Record<string, string>> {
  return {
    RESTIC_REPOSITORY: path.join(work, 'repository'),
    RESTIC_CACHE_DIR: path.join(work, 'cache'),
    BORG_REPO: path.join(work, 'repository'),
    BORG_BASE_DIR: path.join(work, 'cache'),
  };
}
