/** The config out of a recovery kit, as a stranger saves it on an empty machine. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CONFIG_MARKS } from '../../client/backups/kit-text.ts';
import type { Site } from '../../activities/site.ts';

/**
 * Writes it, and the identity of the kit, into an empty folder, in which the site's own folders are looked for from now on.
 * @param kit what `keys kit` has printed.
 * @returns the config file.
 */
export async function writeRecoveryConfig(kit: string, site: Site, empty: string): Promise<string> {
  const [own = ''] = (kit.split(CONFIG_MARKS[0])[1] ?? '').split(CONFIG_MARKS[1]);
  const [line = ''] = /^AGE-SECRET-KEY-1\S+$/m.exec(kit) ?? [];
  const identity = path.join(empty, 'identity.txt');
  await writeFile(identity, `${line}\n`, { mode: 0o600 });
  const file = path.join(empty, 'recovery.yaml');
  const here = own
    .replaceAll('/root/identity.txt', identity)
    .replaceAll(site.repository, path.join(empty, 'repository'))
    .replaceAll(site.state, path.join(empty, 'state'));
  await writeFile(file, here);
  return file;
}
