/** The graph of a run as text: each source with its steps, what waits with what to do about it. */
import { hookId, PLAN, type GraphStep } from '../../../model/graph.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { sourceOf, type LiveGraph } from '../../runs/graph.ts';

const SIGNS = { pending: '·', running: '▸', waiting: '!', done: '✔', failed: '✖', skipped: '-' } as const;

/** Steps of the run itself that come before its sources. */
const FIRST: ReadonlySet<string> = new Set([PLAN, hookId('plan', 'before')]);

export function graphText({ runId, state, steps }: LiveGraph, now: number): string {
  const bySource = Map.groupBy(steps, ({ id }) => sourceOf(id));
  const ofRun = bySource.get(undefined) ?? [];
  const waits = state === 'running' && steps.some((step) => step.state === 'waiting');
  return [
    `${runId}: ${waits ? 'waiting' : state}`,
    ...ofRun.filter(({ id }) => FIRST.has(id)).map((step) => stepText(step, now)),
    ...[...bySource].map(([source, of]) => (source === undefined ? '' : sourceText(source, of, now))).filter(Boolean),
    ...ofRun.filter(({ id }) => !FIRST.has(id)).map((step) => stepText(step, now)),
  ].join('\n');
}

function sourceText(source: string, steps: readonly GraphStep[], now: number): string {
  return [`  ${source}`, ...steps.map((step) => `  ${stepText(step, now)}`)].join('\n');
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
