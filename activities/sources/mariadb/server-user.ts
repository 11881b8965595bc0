/** The unprivileged user that private servers run as: a database server has no business with root. */
import { readFile } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import type { ServerUser } from '../postgres/server-user.ts';

/** `mysql` where there is one, else `nobody`; undefined when this process is not root and stays itself. */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['mysql', 'nobody']) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new BackupError('refused', 'This machine has no user for MariaDB, which is not to run as root', {
    remedy: 'Make one: useradd --system --no-create-home mysql',
  });
}
