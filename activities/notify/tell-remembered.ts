/** Telling of alerts by what a teller remembers, and remembering for the next time. */
import type { StepError } from '../../model/run.ts';
import { writeMemory, type Remembered, type Teller } from './memory.ts';
import { tell, type TellRequest } from './tell.ts';

export interface TellRememberedRequest extends Omit<TellRequest, 'before' | 'note'> {
  readonly teller: Teller;
  /** As it was read; `fresh` is kept as it is here. */
  readonly memory: Parameters<typeof writeMemory>[2];
}

/** @returns the notifiers that failed. */
export async function tellRemembered({
  teller,
  memory,
  ...told
}: TellRememberedRequest): Promise<readonly StepError[]> {
  const { fresh, open: before } = memory;
  const note = (open: readonly Remembered[]) => writeMemory(told.site.state, teller, { fresh, open: [...open] });
  const { open, errors } = await tell({ ...told, before, note });
  await note(open);
  return errors;
}
