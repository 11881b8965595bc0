/** A speed that the place does not have is told when the config is read, and not to whoever has to restore. */
import { speedsOf, timesOf } from './destinations/thaw.ts';
import type { Draft } from './draft.ts';
import type { ConfigProblem } from './problem.ts';

export function checkThaws({ destinations }: Draft): readonly ConfigProblem[] {
  return Object.entries(destinations).flatMap(([name, { type = '', storageClass, thaw }]) => {
    if (thaw?.speed === undefined) return [];
    const has = speedsOf(timesOf({ type, storageClass }));
    if (has.includes(thaw.speed)) return [];
    const message = `what lies frozen here cannot be thawed with the speed ${thaw.speed}`;
    const remedy = `Choose ${has.join(' or ')}.`;
    return [{ path: ['destinations', name, 'thaw', 'speed'], at: 'value', message, remedy }];
  });
}
