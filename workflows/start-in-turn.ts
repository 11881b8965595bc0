/** How a workflow with many children starts them: not all at one time. */
import { patched } from '@temporalio/workflow';
import pLimit from 'p-limit';

/** Runs what starts a child when it is its turn. */
export type StartInTurn = <T>(start: () => Promise<T>) => Promise<T>;

/**
 * Starts of which so many are under way at one time; a child that runs takes no turn. Temporal notes each start in the history of the
 * parent, which it locks for that: of hundreds asked for at once most find it locked and are tried again seconds later, so that nine
 * begin in a second where eighty could.
 */
export function startsInTurn(): StartInTurn {
  return patched('children-start-in-turn') ? pLimit(AT_ONCE) : (start) => start();
}

const AT_ONCE = 20;
