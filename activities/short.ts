/** The short steps on a host, as activities: they are done at once, whatever long steps run there. */
import { hostname } from 'node:os';
import { productVersion } from './version.ts';

export interface ShortActivities {
  /** Answers: the host's worker is there. */
  ping(): Promise<{ readonly machine: string; readonly version: string }>;
}

export const shortActivities: ShortActivities = {
  ping: async () => ({ machine: hostname(), version: productVersion }),
};
