/**
 * A rotation of recipients: what is done in which order, as pure functions. The workflow and the command line's own
 * process walk through the same steps; whatever is known between two steps is in the state, which is small and holds no secret.
 *
 * Place by place (repositories first, so that destinations get the same bytes): every backup's key is written anew, page by page;
 * then every manifest is read again and checked; at the end something of each source is restored with a new key alone.
 */
import type { StepError } from './run.ts';

/** The repository of a host, or a destination. */
export interface RotationPlace {
  /** `repository`, or the destination's name. */
  readonly place: string;
  /** Who does it there. */
  readonly host: string;
}

export interface RotationInput {
  readonly site: string;
  /** Where the identities are: it writes to the destinations, and restores. */
  readonly host: string;
  /** Only this place. */
  readonly place?: string;
  /** Files of identities on that host, besides the config's. Never what is in them. */
  readonly identities: readonly string[];
}

/** What is to be done, read from the config. */
export interface RotationSpec extends RotationInput {
  readonly recipients: readonly string[];
  /** Recipients whose identity is at hand: each restores alone in the end. */
  readonly shown: readonly string[];
  readonly places: readonly RotationPlace[];
  readonly waits: RotationWaits;
}

/** Milliseconds. */
export interface RotationWaits {
  readonly retryFirst: number;
  readonly retryMax: number;
  readonly heartbeat: number;
  readonly standstill: number;
}

export const PASSES = ['rewrite', 'check'] as const;
export type Pass = (typeof PASSES)[number];

/** What could not be done to a backup, or was found wrong with it. */
export interface RotationProblem {
  readonly pass: Pass;
  readonly place: string;
  readonly host: string;
  /** Reference or folder; null where it is about the place as a whole. */
  readonly backup: string | null;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

export interface PageResult {
  readonly seen: number;
  /** Written anew, and read back. */
  readonly rewritten: number;
  /** Backups with a problem; the first of them are told. */
  readonly left: number;
  readonly problems: readonly RotationProblem[];
  readonly sources: readonly string[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

/** One restore with one identity alone. */
export interface RotationProof {
  readonly source: string;
  readonly recipient: string;
  readonly place: string;
  readonly backup: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface PlaceState extends RotationPlace {
  readonly pass: Pass | 'done' | 'away';
  readonly after: string | null;
  readonly backups: number;
  readonly rewritten: number;
  readonly checked: number;
  readonly left: number;
}

export interface RotationState {
  readonly spec: RotationSpec;
  readonly places: readonly PlaceState[];
  /** The first of them: the counts are in the places. */
  readonly problems: readonly RotationProblem[];
  readonly sources: readonly string[];
  readonly proven: readonly string[];
  readonly proofs: readonly RotationProof[];
  readonly paused: boolean;
}

export type RotationStep =
  | { readonly do: 'page'; readonly at: RotationPlace; readonly pass: Pass; readonly after: string | null }
  | { readonly do: 'prove'; readonly source: string };

export type PageStep = RotationStep & { readonly do: 'page' };

export type RotationOutcome = 'complete' | 'partial' | 'failed';

export interface RotationReport extends RotationState {
  readonly outcome: RotationOutcome | null;
}

/** How the repository is called among the places. */
export const REPOSITORY = 'repository';

/** So many problems are told by name; a place that refuses everything has one for each backup. */
export const TOLD = 40;

export function beginRotation(spec: RotationSpec): RotationState {
  const places = spec.places.map((at): PlaceState => ({
    ...at,
    pass: 'rewrite',
    after: null,
    backups: 0,
    rewritten: 0,
    checked: 0,
    left: 0,
  }));
  return { spec, places, problems: [], sources: [], proven: [], proofs: [], paused: false };
}

/** Undefined when all is done. */
export function nextStep({ places, sources, proven }: RotationState): RotationStep | undefined {
  const at = places.find(({ pass }) => pass === 'rewrite') ?? places.find(({ pass }) => pass === 'check');
  if (at && (at.pass === 'rewrite' || at.pass === 'check')) {
    return { do: 'page', at: { place: at.place, host: at.host }, pass: at.pass, after: at.after };
  }
  const source = sources.find((each) => !proven.includes(each));
  return source === undefined ? undefined : { do: 'prove', source };
}

export function afterPage(state: RotationState, step: PageStep, page: PageResult): RotationState {
  const rewriting = step.pass === 'rewrite';
  return {
    ...state,
    places: changed(state, step.at, (at) => ({
      ...at,
      pass: page.next === null ? (rewriting ? 'check' : 'done') : step.pass,
      after: page.next,
      backups: at.backups + (rewriting ? page.seen : 0),
      rewritten: at.rewritten + page.rewritten,
      checked: at.checked + (rewriting ? 0 : page.seen),
      // What could not be rewritten is found again by the check, and counts once.
      left: rewriting ? at.left : at.left + page.left,
    })),
    problems: told(state.problems, step, page),
    sources: [...new Set([...state.sources, ...page.sources])],
  };
}

/** The place is away: the rest goes on, and another rotation does what is left. */
export function afterFailure(
  state: RotationState,
  step: PageStep,
  { code, message, remedy }: StepError,
): RotationState {
  return {
    ...state,
    places: changed(state, step.at, (at) => ({ ...at, pass: 'away' })),
    problems: [...state.problems, { ...step.at, pass: step.pass, backup: null, code, message, remedy }],
  };
}

export function afterProof(state: RotationState, source: string, proofs: readonly RotationProof[]): RotationState {
  return { ...state, proven: [...state.proven, source], proofs: [...state.proofs, ...proofs] };
}

/**
 * Complete: every manifest at every place was read again and is for the recipients of now, and every source that has a
 * backup was restored with a new key alone. Failed: nothing could be looked at anywhere.
 */
export function rotationOutcome({ places, proofs, problems, sources, spec }: RotationState): RotationOutcome {
  if (places.length > 0 && places.every(({ pass }) => pass === 'away')) return 'failed';
  const whole = places.every(({ pass, left }) => pass === 'done' && left === 0) && problems.length === 0;
  const shown = sources.every((source) =>
    spec.shown.every((recipient) =>
      proofs.some((proof) => proof.source === source && proof.recipient === recipient && proof.ok),
    ),
  );
  return whole && shown ? 'complete' : 'partial';
}

/** Recipients whose wraps were opened from the side of who made them only: their identity was not at hand. */
export function unshownRecipients({ recipients, shown }: RotationSpec): readonly string[] {
  return recipients.filter((recipient) => !shown.includes(recipient));
}

function changed(
  { places }: RotationState,
  { place, host }: RotationPlace,
  change: (at: PlaceState) => PlaceState,
): readonly PlaceState[] {
  return places.map((at) => (at.place === place && at.host === host ? change(at) : at));
}

/**
 * The check has the last word on whether something is left, and the pass before it knows why: what it said of a backup
 * is told where the check finds that backup wrong, and forgotten where it does not.
 */
function told(
  before: readonly RotationProblem[],
  { at, pass }: PageStep,
  page: PageResult,
): readonly RotationProblem[] {
  const here = (problem: RotationProblem) => problem.place === at.place && problem.host === at.host;
  if (pass === 'rewrite') return [...before, ...page.problems].slice(0, TOLD);
  const reasons = before.filter((problem) => here(problem) && problem.pass === 'rewrite');
  const confirmed = page.problems.map((problem) => ({
    ...(reasons.find(({ backup }) => backup === problem.backup) ?? problem),
    pass,
  }));
  const rest = before.filter(
    (problem) =>
      !(here(problem) && problem.pass === 'rewrite') ||
      (page.next !== null && !page.problems.some(({ backup }) => backup === problem.backup)),
  );
  return [...rest, ...confirmed].slice(0, TOLD);
}
