/** Probes by a question in the language of the engine. */
import type { Expected, QueryProbe } from '../../../model/config/probe.ts';
import { BackupError } from '../../../model/errors.ts';
import { right, wrong, type ProbeContext, type Seen } from './types.ts';

/** Characters of an answer that stand in reports. */
const SHOWN = 200;

/** @throws BackupError `refused` where nothing runs that could be asked; `program-failed` with the engine's word. */
export async function askQuery(
  { query, database, expect }: QueryProbe,
  { service, work }: Pick<ProbeContext, 'service' | 'work'>,
): Promise<Seen> {
  if (!service) throw new BackupError('refused', 'no server runs on what was restored');
  const answer = (await service.ask({ text: query, database, readOnly: true }, work)).replace(/\n+$/, '');
  const fault = faultOf(answer, expect);
  return fault === null ? right(shown(answer)) : wrong(`${shown(answer)}, ${fault}`);
}

/** Why it is not what was expected; null where it is. */
export function faultOf(answer: string, expect: Expected): string | null {
  if (typeof expect !== 'object') return answer === String(expect) ? null : `not ${shown(String(expect))}`;
  if ('matches' in expect)
    return new RegExp(expect.matches, 'm').test(answer) ? null : `which does not match ${expect.matches}`;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = expect;
  const number = answer.trim() === '' ? Number.NaN : Number(answer);
  if (Number.isNaN(number)) return 'which is no number';
  if (number < min) return `less than ${min}`;
  return number > max ? `more than ${max}` : null;
}

function shown(answer: string): string {
  if (answer === '') return 'no answer';
  return answer.length <= SHOWN ? answer : `${answer.slice(0, SHOWN - 1)}…`;
}
