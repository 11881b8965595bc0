/** A restore takes the nearest place that has a good copy: what is damaged, lacking or away at one is taken from the next. */
import { BackupError } from '../../model/errors.ts';

/** Codes that speak against a copy or its place: another one may do. */
const OF_THE_COPY: ReadonlySet<string> = new Set([
  'verification-failed',
  'not-authentic',
  'not-found',
  // Another backup bears its name there.
  'conflict',
  'unreachable',
  'access-denied',
  'frozen',
  'program-failed',
]);

/** Whether what failed with this code may succeed from another place. */
export function isOfTheCopy(code: string): boolean {
  return OF_THE_COPY.has(code);
}

export interface FromPlace<Result> {
  readonly place: string;
  readonly result: Result;
  /** Places before it whose copy did not do, and why. */
  readonly passed: readonly string[];
}

/**
 * Tries the places in their order.
 * @param tell called with each that is passed over.
 * @throws BackupError what speaks against no copy, at once; else what tells most of those that failed, with the places in its fact `tried`.
 */
export async function fromAnyPlace<Place extends { readonly name: string }, Result>(
  places: readonly Place[],
  attempt: (place: Place) => Promise<Result>,
  tell: (passed: string) => void = () => {},
): Promise<FromPlace<Result>> {
  const failures: BackupError[] = [];
  const passed: string[] = [];
  for (const place of places) {
    try {
      return { place: place.name, result: await attempt(place), passed };
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      // Of a further place: the logs there lead less far.
      const leadsLess = failures.length > 0 && error.code === 'refused';
      if (!isOfTheCopy(error.code) && !leadsLess) throw error;
      failures.push(error);
      const why = `${place.name}: ${error.message}`;
      passed.push(why);
      if (places.length > failures.length) tell(why);
    }
  }
  throw ofAll(
    failures,
    places.map(({ name }) => name),
  );
}

/** Codes by what an operator learns from them, the most telling first: that a place lacks it is the least. */
const TELLING = ['not-authentic', 'verification-failed', 'program-failed', 'frozen', 'access-denied', 'unreachable'];

function ofAll(failures: readonly BackupError[], tried: readonly string[]): BackupError {
  const rank = ({ code }: BackupError): number => (TELLING.includes(code) ? TELLING.indexOf(code) : TELLING.length);
  const [worst] = failures.toSorted((a, b) => rank(a) - rank(b));
  if (!worst) return new BackupError('not-found', 'there is no place to restore from');
  const { code, message, remedy, facts, retryable } = worst;
  return new BackupError(code, message, {
    ...(remedy === undefined ? {} : { remedy }),
    facts: { ...facts, tried },
    retryable,
    cause: worst,
  });
}
