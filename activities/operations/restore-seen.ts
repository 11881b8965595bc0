/**
 * Whether a worker is at the same folder, as the same user and by the same config, as whoever asks it to restore there. In a container `/srv/restored` is
 * another folder, a user that is not root restores no owners, and another config means other places: what is then restored would not be what was asked for,
 * though everything succeeded.
 */
import { access, constants, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SeenTarget } from '../../model/restore-run.ts';
import type { Site } from '../site.ts';
import { errnoOf, ifThere, translated } from '../storage/fs-errors.ts';
import { thisHolder } from '../storage/holder.ts';

/** @param to an absolute path, which need not be there. */
export async function seeTarget({ file }: Pick<Site, 'file'>, to: string): Promise<SeenTarget> {
  const found = await translated(to, 'looking at the target', () => ifThere(stat(to, { bigint: true })));
  if (found === undefined) return seeTarget({ file }, path.dirname(to));
  const { boot } = thisHolder();
  const inode = `${found.dev}:${found.ino}`;
  return { uid: process.geteuid?.() ?? -1, boot, folder: to, inode, config: await realpath(file) };
}

/** The same, where the machine was started again since it was seen: devices may have other numbers then. */
export async function sinceRestart(site: Pick<Site, 'file'>, seen: SeenTarget, to: string): Promise<SeenTarget> {
  const own = await seeTarget(site, to);
  return own.boot === seen.boot ? seen : { ...own, uid: seen.uid, config: seen.config };
}

/** Why what this process would restore is not what was asked for, in words; null where it is. */
export async function elsewhere(site: Pick<Site, 'file'>, seen: SeenTarget, to: string): Promise<string | null> {
  const own = await seeTarget(site, to);
  if (own.boot !== seen.boot) return 'its worker runs on another machine';
  if (own.uid !== seen.uid) return `its worker runs as another user (uid ${own.uid}, not ${seen.uid})`;
  if (own.config !== seen.config) return `its worker goes by another config (${own.config})`;
  // Scratch comes beside the target. A unit of systemd may show a folder that it keeps from being written to.
  const beside = own.folder === to ? path.dirname(to) : own.folder;
  const denied = await access(beside, constants.W_OK).then(() => undefined, errnoOf);
  if (denied !== undefined) return `its worker may not write to ${beside} (${denied})`;
  if (own.folder === seen.folder && own.inode === seen.inode) return null;
  // Somebody may have made the folders above it meanwhile.
  const there = await ifThere(stat(seen.folder, { bigint: true }));
  if (there && `${there.dev}:${there.ino}` === seen.inode) return null;
  return `its worker sees another ${seen.folder}, as in a container`;
}
