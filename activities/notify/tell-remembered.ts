/** Telling of alerts by what a teller remembers, and remembering for the next time. */
import type { Condition } from '../../model/alert.ts';
import type { StepError } from '../../model/run.ts';
import { readMemory, writeMemory, type Memory, type Remembered, type Teller } from './memory.ts';
import { tell, type TellRequest } from './tell.ts';
import { inTurn } from './turn.ts';

export interface TellRememberedRequest extends Omit<TellRequest, 'before' | 'found' | 'note' | 'now'> {
  readonly teller: Teller;
  /** What is wrong now, by what is remembered; null where there is nothing to tell. */
  readonly find: (memory: Memory, now: number) => Found | null;
  /** Milliseconds since the epoch; when its turn comes, where it is absent. */
  readonly now?: number | undefined;
}

export interface Found {
  readonly found: readonly Condition[];
  /** To be remembered in place of what was. */
  readonly fresh?: Memory['fresh'];
}

/**
 * One after another of a teller: two runs at once would each forget what the other could not tell.
 * @returns the notifiers that failed.
 */
export function tellRemembered({ teller, find, ...told }: TellRememberedRequest): Promise<readonly StepError[]> {
  const { state } = told.site;
  return inTurn(teller, async () => {
    const memory = await readMemory(state, teller);
    const now = told.now ?? Date.now();
    const what = find(memory, now);
    if (what === null) return [];
    const { found, fresh = memory.fresh } = what;
    const note = (open: readonly Remembered[]) => writeMemory(state, teller, { fresh, open: [...open] });
    const { open, errors } = await tell({ ...told, now, found, before: memory.open, note });
    await note(open);
    return errors;
  });
}
