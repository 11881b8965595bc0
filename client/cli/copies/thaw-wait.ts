/** Waiting for a thaw on the command line: ^C ends the watching, and nothing else. */
import type { ThawReport } from '../../../model/thaw.ts';
import { openRunSession, type Session } from '../../runs/session.ts';
import { thawHere } from '../../thaw/here.ts';
import type { ThawPlan } from '../../thaw/plan.ts';
import { followThaw, startThaw, type ThawHandle } from '../../thaw/run.ts';
import type { Cli } from '../context.ts';
import { progressText } from './thaw-text.ts';

/** Milliseconds between two looks at the workflow, which itself looks at the place more rarely. */
const LOOK = 500;

/**
 * Starts the durable wait, or joins it, and watches it to its end. Null after ^C: then the status is that of an interruption.
 * @throws BackupError what it failed with.
 */
export async function waitForThaw(cli: Cli, plan: ThawPlan): Promise<ThawReport | null> {
  return (await waitForThaws(cli, [plan]))?.[0] ?? null;
}

/** The same of several, which are asked for at once. */
export async function waitForThaws(cli: Cli, plans: readonly ThawPlan[]): Promise<readonly ThawReport[] | null> {
  const session = await openRunSession({ site: await cli.site(), openSite: cli.reopenSite, log: await cli.log() });
  cli.interrupt.says('It is watched no longer …');
  try {
    const begun: { plan: ThawPlan; handle: ThawHandle }[] = [];
    for (const plan of plans) begun.push({ plan, handle: await startThaw(session.client, plan) });
    const reports = await Promise.all(begun.map(({ plan, handle }) => follow(cli, session, plan, handle)));
    const complete = reports.filter((report) => report !== null);
    if (complete.length === reports.length) return complete;
    left(cli, session.embedded);
    return null;
  } finally {
    await session.close();
  }
}

function follow(
  cli: Cli,
  { broken }: Pick<Session, 'broken'>,
  plan: ThawPlan,
  handle: ThawHandle,
): Promise<ThawReport | null> {
  let joined = false;
  return followThaw(handle, {
    signal: cli.signal,
    broken,
    interval: LOOK,
    onProgress: onceEach(cli, (now) => {
      if (!joined && now.speed !== plan.input.speed)
        cli.out.note(`it was asked for with the speed ${now.speed} already, which stays`);
      joined = true;
    }),
  });
}

/** In this process, without Temporal. */
export async function waitHere(cli: Cli, { input, waits }: ThawPlan): Promise<ThawReport | null> {
  cli.interrupt.says('It is waited for no longer …');
  const work = { ...(await cli.work()), progress: () => {} };
  const report = await thawHere({ site: await cli.site(), input, waits, work, onProgress: onceEach(cli, () => {}) });
  if (report === null) left(cli, true);
  return report;
}

function left(cli: Cli, alone: boolean): void {
  cli.out.note(
    alone
      ? 'What was asked for comes all the same. The same command goes on with the wait, and asks for nothing twice.'
      : 'The wait goes on without this command; the same command watches it again, and --cancel ends it.',
  );
  cli.exitWith(cli.interrupt.received() === 'SIGINT' ? 130 : 5);
}

/** The same line is said once. */
function onceEach(cli: Cli, look: (report: ThawReport) => void): (report: ThawReport) => void {
  let before = '';
  return (report) => {
    look(report);
    const now = progressText(report);
    if (now !== before) cli.out.note(now);
    before = now;
  };
}
