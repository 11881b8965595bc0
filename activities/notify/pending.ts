/** What somebody could not be told is told later: drills and restore tests, of which the next one is months away, tell it themselves too late. */
import type { StepError } from '../../model/run.ts';
import type { Site } from '../site.ts';
import type { Work } from '../work.ts';
import type { Memory, Teller } from './memory.ts';
import { isHeardByAll } from './tell.ts';
import { tellRemembered } from './tell-remembered.ts';

/** Those that tell now and then. The others look, and tell, every few minutes. */
const RARE = ['thaws', 'runs', 'tests', 'drills'] as const satisfies readonly Teller[];

export interface TellPendingRequest {
  readonly site: Site;
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly work: Work;
}

/** Tells what was found, or was over, and has not reached everybody. Nothing is found, or over, by this. @returns the notifiers that failed. */
export async function tellPending(request: TellPendingRequest): Promise<readonly StepError[]> {
  const { notify } = request.site.config;
  const lasts = { lookedFor: () => false, remindAfter: Number.POSITIVE_INFINITY };
  const errors: StepError[] = [];
  for (const teller of RARE) {
    const find = ({ open }: Memory) => (open.every((one) => isHeardByAll(one, notify)) ? null : { found: [] });
    errors.push(...(await tellRemembered({ ...request, ...lasts, teller, find })));
  }
  return errors;
}
