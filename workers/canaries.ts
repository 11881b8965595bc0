/** The canaries of a host's sources, as long as its worker runs. No workflow has a hand in them, nor has Temporal. */
import { keepBeating } from '../activities/operations/canary/rounds.ts';
import type { Site } from '../activities/site.ts';
import type { Logger } from '../activities/work.ts';

export interface CanarySettings {
  /** Reads the config anew. */
  readonly openSite: () => Promise<Site>;
  readonly log: Logger;
}

export interface Canaries {
  /** Ends them, with what they are just writing. */
  stop(): Promise<void>;
}

export function startCanaries({ openSite, log }: CanarySettings): Canaries {
  const ending = new AbortController();
  const ended = keepBeating({ openSite, log, signal: ending.signal }).catch((error: unknown) => {
    // A mistake of ours keeps no worker from its backups; a drill says that there is no canary.
    log.error({ error: error instanceof Error ? error.message : String(error) }, 'the canaries have ended');
  });
  return {
    async stop() {
      ending.abort();
      await ended;
    },
  };
}
