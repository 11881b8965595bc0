/** Places for rsync destinations: folders of this machine, behind a real sshd. */
import { rsyncDestination, type RsyncDestination } from '../../../../model/config/destinations/rsync.ts';
import { smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import type { ClientKey, Sshd } from '../../../support/rsync/sshd.ts';
import type { Place } from '../conformance.ts';
import { folderPlace } from '../folder-place.ts';

export interface RsyncPlaceOptions {
  readonly sshd: Sshd;
  /** Where there is no shell: what stands before the key in authorized_keys, which leads to this folder alone. */
  readonly restrict?: (root: string) => string;
  readonly config?: Partial<RsyncDestination>;
  /** Port of what stands between. */
  readonly port?: number;
}

/** A place on a file system of `bytes`. */
export async function rsyncPlace(
  bytes: number,
  options: RsyncPlaceOptions,
): Promise<Place & { readonly root: string }> {
  const root = await smallFileSystem(String(bytes));
  return { ...(await placeAt(root, options)), ...folderPlace(root), root };
}

const keys = new WeakMap<Sshd, Promise<ClientKey>>();

/** With a shell there is one key for all folders, and so one connection. */
function sharedKey(sshd: Sshd): Promise<ClientKey> {
  const key = keys.get(sshd) ?? sshd.addKey();
  keys.set(sshd, key);
  return key;
}

/** What makes a destination of a folder that exists. */
export async function placeAt(root: string, { sshd, restrict, config = {}, port = sshd.port }: RsyncPlaceOptions) {
  const key = await (restrict === undefined ? sharedKey(sshd) : sshd.addKey(restrict(root)));
  const parsed = rsyncDestination.parse({
    type: 'rsync',
    target: `${sshd.user}@127.0.0.1:${restrict === undefined ? root : '/'}`,
    port,
    key: { file: key.file },
    hostKey: sshd.hostKey,
    prune: true,
  });
  return { context: { name: 'vault', config: { ...parsed, ...config }, site: 'test', state: await temporaryFolder() } };
}
