/** Runs of the daily plan on an own Temporal, as `mosaic-backup run daily` makes them. */
import { loadSite } from '../../../activities/config/load.ts';
import type { Work } from '../../../activities/work.ts';
import { ownSession, type Session } from '../../../client/runs/session.ts';

/** Starts Temporal and a worker in this process. What the worker warns of goes to stderr. */
export function openSession(file: string): Promise<Session> {
  return loadSite({ file }).then((site) => ownSession({ site, openSite: () => loadSite({ file }), log: LOG }));
}

/** Scheduled times that no two runs share. */
export function scheduledTimes(): () => string {
  let minute = 0;
  return () => new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString().replace('.000', '');
}

const ignore = (): void => {};
const say = (facts: object, message: string): void => console.error(message, JSON.stringify(facts));
const LOG: Work['log'] = { debug: ignore, info: ignore, warn: say, error: say };
