/** The unprivileged user that private servers run as, and that owns what is restored. */
import { readFile } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import type { ServerUser } from '../postgres/server-user.ts';

/** `redis` where there is one, else `valkey` or `nobody`; undefined when this process is not root and stays itself. */
export async function redisUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['redis', 'valkey', 'nobody']) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new BackupError('refused', 'A private server is not run as root, and this machine has no user for it', {
    remedy: 'Make one: useradd --system --no-create-home redis',
  });
}
