/** When a container is to stand for this machine's programs. */
import type { Sandboxing } from '../private-server/sandbox.ts';
import { describeEngine, engineOf, findPrograms, installRemedy } from './programs.ts';
import { redisUser } from './server-user.ts';

export const sandboxing: Sandboxing = {
  user: redisUser,
  async unfit(manifest) {
    const engine = engineOf(manifest);
    if (await findPrograms(engine)) return null;
    const why = `No server on this machine loads data of ${describeEngine(engine)}`;
    return { why, remedy: installRemedy(engine), usable: false };
  },
};
