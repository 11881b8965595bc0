/** When a container of the backup's own image is to stand for this machine's programs. */
import { z } from 'zod';
import type { Sandboxing } from '../private-server/sandbox.ts';
import { findBinaries, installRemedy } from './binaries.ts';
import { foreignLibc, restoredMajor } from './engine.ts';
import { serverUser } from './server-user.ts';

const engine = z.looseObject({ libc: z.string().optional() });

export const sandboxing: Sandboxing = {
  user: serverUser,
  async unfit(manifest) {
    const major = restoredMajor(manifest);
    if (!(await findBinaries(major, { program: 'postgres' }))) {
      const why = `The server programs of PostgreSQL ${major} are not on this machine`;
      return { why, remedy: installRemedy(major, 'postgres'), usable: false };
    }
    const { libc } = engine.parse(manifest.engine);
    if (libc === undefined || !foreignLibc(libc)) return null;
    const why = `text was sorted by ${libc}, and this machine has another C library`;
    return { why, remedy: 'REINDEX before use', usable: true };
  },
};
