/** The graph of a run as text: each source with its steps, what waits with what to do about it. */
import { hookId, phaseAsked, PLAN, waits, waitsForTurn, type GraphStep } from '../../../model/graph.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { sourceOf, type LiveGraph } from '../../runs/graph.ts';

const SIGNS = { pending: '·', running: '▸', waiting: '!', done: '✔', failed: '✖', skipped: '-' } as const;

/** Steps of the run itself that come before its sources. */
const FIRST: ReadonlySet<string> = new Set([PLAN, hookId('plan', 'before')]);

/**
 * As many lines as a screen has: where all of it is more, sources that are done or have not begun are a line each, behind those that
 * wait, failed or are at work.
 */
export function liveText(graph: LiveGraph, now: number, rows: number): string {
  const whole = graphText(graph, now);
  return whole.split('\n').length <= rows ? whole : graphText(graph, now, true);
}

/** @param brief as `liveText` has it where there is little room. */
export function graphText({ runId, state, steps }: LiveGraph, now: number, brief = false): string {
  const bySource = Map.groupBy(steps, ({ id }) => sourceOf(id));
  const ofRun = bySource.get(undefined) ?? [];
  return [
    `${runId}: ${state === 'running' && steps.some(waits) ? 'waiting' : state}`,
    ...ofRun.filter(({ id }) => FIRST.has(id)).map((step) => turnText(step, now) ?? stepText(step, now)),
    ...sourcesText(bySource, now, brief),
    ...ofRun.filter(({ id }) => !FIRST.has(id)).map((step) => askedText(step, now, runId) ?? stepText(step, now)),
  ].join('\n');
}

type BySource = ReadonlyMap<string | undefined, readonly GraphStep[]>;

function sourcesText(bySource: BySource, now: number, brief: boolean): readonly string[] {
  const sources = [...bySource].flatMap(([source, of]) => (source === undefined ? [] : [{ source, of }]));
  if (!brief) return sources.map(({ source, of }) => sourceText(source, of, now));
  const isQuiet = ({ of }: { readonly of: readonly GraphStep[] }) =>
    ['done', 'pending'].some((state) => of.every((step) => step.state === state));
  return [
    ...sources.filter((one) => !isQuiet(one)).map(({ source, of }) => sourceText(source, of, now)),
    ...sources.filter(isQuiet).map(({ source, of }) => {
      const state = of[0]?.state ?? 'pending';
      return `  ${SIGNS[state]} ${source}: ${state}`;
    }),
  ];
}

function sourceText(source: string, steps: readonly GraphStep[], now: number): string {
  return [`  ${source}`, ...steps.map((step) => `  ${stepText(step, now)}`)].join('\n');
}

/** Of a run that has not begun, since another one of its plan goes on. */
function turnText(step: GraphStep, now: number): string | undefined {
  if (!waitsForTurn([step])) return undefined;
  const facts = ['waits for its turn', ...timeOf(step, now)].join(', ');
  return `  ${SIGNS.waiting} ${step.name}: ${facts}\n      Another run of the plan goes on: it begins when that has ended (mosaic-backup runs list).`;
}

/** Of a step that waits for somebody's word. */
function askedText(step: GraphStep, now: number, runId: string): string | undefined {
  const phase = phaseAsked(step);
  if (phase === undefined) return undefined;
  return [
    `  ${SIGNS.waiting} ${step.name}: ${['waits for somebody', ...timeOf(step, now)].join(', ')}`,
    `      What to do: mosaic-backup drill confirm ${runId} ${phase}`,
  ].join('\n');
}

function stepText(step: GraphStep, now: number): string {
  const { name, state, attempts, bytes, error, next, deadline, ended } = step;
  const facts = [
    state,
    ...(state === 'pending' && next !== null && Date.parse(next) > now ? [`begins ${next}`] : []),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(bytes === null ? [] : [formatBytes(bytes)]),
    ...timeOf(step, now),
  ];
  const line = `  ${SIGNS[state]} ${name}: ${facts.join(', ')}`;
  if (error === null) return line;
  const until = ended === null ? ` (again ${next ?? 'when its host answers'}, until ${deadline ?? '?'})` : '';
  const remedy = error.remedy === null ? [] : [`      What to do: ${error.remedy}`];
  return [line, `      ${error.message}${until}`, ...remedy].join('\n');
}

function timeOf({ started, ended }: GraphStep, now: number): readonly string[] {
  if (started === null) return [];
  return [formatDuration(Math.max(0, (ended === null ? now : Date.parse(ended)) - Date.parse(started)))];
}
