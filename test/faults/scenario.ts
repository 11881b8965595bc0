/** What a scenario is, which of them run, and how many at once. */
import type { SiteInput } from '../../model/config/site.ts';
import type { Lab } from './lab.ts';
import type { SourceName, Trial } from './trial.ts';

export interface Scenario {
  /** What breaks: rows of one kind stand together in the table. */
  readonly kind: string;
  /** Unique within its kind; begins with the numbers of the properties that it holds. */
  readonly title: string;
  readonly sources: readonly SourceName[];
  /** Runs in `npm test` as well, and not only in the whole matrix. */
  readonly everyTime?: boolean;
  /** Breaks a server that all share: nothing else runs meanwhile, or nothing else that reads one of its databases. */
  readonly alone?: 'all' | 'databases';
  /** Minutes that it may take; 3 where it says nothing. */
  readonly minutes?: number;
  readonly site?: (lab: Lab) => Promise<Partial<SiteInput>> | Partial<SiteInput>;
  /** Does it all and asserts; returns the outcome in a few words. */
  readonly play: (trial: Trial) => Promise<string>;
}

/** Scenarios wait more than they work: so many at once keep two cores busy and no more. */
const AT_ONCE = 3;

/**
 * MOSAIC_FAULTS=all: the whole matrix, else one of each kind. MOSAIC_FAULTS_ONLY: of the whole matrix those whose kind
 * and title contain this. Those that run alone come last.
 */
export function chosen(scenarios: readonly Scenario[]): readonly Scenario[] {
  const only = process.env['MOSAIC_FAULTS_ONLY'];
  const whole = only !== undefined || process.env['MOSAIC_FAULTS'] === 'all';
  const wanted = scenarios.filter(
    ({ kind, title, everyTime }) => (whole || everyTime === true) && `${kind}: ${title}`.includes(only ?? ''),
  );
  return [...wanted.filter(({ alone }) => alone !== 'all'), ...wanted.filter(({ alone }) => alone === 'all')];
}

/** Plays scenarios, some at once, and gives each one's result to whoever asks for it. */
export function playAll<T>(
  scenarios: readonly Scenario[],
  play: (scenario: Scenario) => Promise<T>,
): (scenario: Scenario) => Promise<T> {
  const played = new Map<Scenario, PromiseWithResolvers<T>>(
    scenarios.map((scenario) => [scenario, Promise.withResolvers<T>()]),
  );
  // Each is awaited when its turn in the list comes; until then a failure must not count as unhandled.
  for (const { promise } of played.values()) promise.catch(() => undefined);

  async function playOne(scenario: Scenario): Promise<void> {
    const result = played.get(scenario);
    await play(scenario).then(result?.resolve, result?.reject);
  }
  async function playInTurn(): Promise<void> {
    const waiting = new Set(scenarios);
    const running = new Map<Scenario, Promise<void>>();
    while (waiting.size > 0 || running.size > 0) {
      const next = running.size < AT_ONCE ? waiting.values().find((scenario) => fits(scenario, running)) : undefined;
      if (!next) {
        await Promise.race(running.values());
        continue;
      }
      waiting.delete(next);
      const playing = playOne(next).finally(() => running.delete(next));
      running.set(next, playing);
    }
  }
  void playInTurn();
  return (scenario) => played.get(scenario)?.promise ?? Promise.reject(new TypeError('a scenario that is not played'));
}

function fits(scenario: Scenario, running: ReadonlyMap<Scenario, unknown>): boolean {
  return [...running.keys()].every((other) => {
    if (scenario.alone === 'all' || other.alone === 'all') return false;
    // Each has files of its own.
    const share = scenario.sources.some((source) => source !== 'stack' && other.sources.includes(source));
    return !share || (scenario.alone === undefined && other.alone === undefined);
  });
}
