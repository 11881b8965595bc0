/** The Markdown that operators read as "current details" of drills. */
import { SCENARIO_WORDS, type DrilledSource, type DrillReport } from '../model/drill/drill.ts';
import { rpoOf } from '../model/drill/loss.ts';
import { placeInWords, placeOf, triedOf } from '../model/drill/place.ts';
import { phaseAsked, waitingSteps, type GraphStep } from '../model/graph.ts';
import { formatDuration } from '../model/units.ts';
import { inWords, isUnplanned, nextOf, waitingInWords } from './details.ts';

const LAST = '\n\u00a0';

/** What waits, for whom, and what is wrong; then the whole against its objectives, and a line for each source. */
export function drillDetails(report: DrillReport | null, steps: readonly GraphStep[], runId: string): string {
  if (report === null)
    return isUnplanned(steps)
      ? ['**waiting**', ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, '')}`), LAST].join('\n')
      : '**running**: it is being planned';
  const { scenario, outcome, declared, choice, sources, objectives, rto, rpo, errors, criticalPath } = report;
  return [
    `**${outcome ?? 'running'}** · ${scenario}: ${SCENARIO_WORDS[scenario]}`,
    ...steps
      .flatMap((step) => phaseAsked(step) ?? [])
      .map((phase) => `\n**It waits for you**: \`mosaic-backup drill confirm ${runId} ${phase}\``),
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...errors.map((error) => `\n${inWords(error)}`),
    ...sources.flatMap(({ source, errors: own }) => own.map((error) => `\n**${source}**: ${inWords(error)}`)),
    declared === null ? '' : `\ndeclared ${declared}${choice?.point ? ` · recovery point ${choice.point}` : ''}`,
    ...(outcome === null
      ? []
      : [
          `\nRTO ${against(rto, objectives.rto)} · RPO ${against(rpo, objectives.rpo)}`,
          `\nit waited for: ${criticalPath.join(' → ')}`,
        ]),
    ...(choice?.passed ?? []).map((why) => `\npassed over: ${why}`),
    '',
    '| source | state | backup | from | restored in | RTO | lost |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...sources.map((source) => `| ${row(source).join(' | ')} |`),
    LAST,
  ].join('\n');
}

/** One source: what it waits for, its probes, its steps as a table. */
export function drillSourceDetails(source: DrilledSource, runId: string): string {
  const { outcome, steps, errors, choice, restored, started, probes, losses } = source;
  return [
    `**${outcome ?? 'running'}**`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...errors.map((error) => `\n${inWords(error)}`),
    choice
      ? `\n\`${choice.backup.reference}\` from ${placeOf(source) ?? 'the repository'}${choice.at ? `, its logs to ${choice.at}` : ''}`
      : '',
    restored ? `\n\`${restored.command.join(' ')}\`` : '',
    ...triedOf(source).passed.map((why) => `\npassed over: ${why}`),
    started?.command ? `\n\`${started.command.join(' ')}\`` : '',
    started?.isolation === undefined ? '' : `\n**not cut off**: ${started.isolation}`,
    ...probes.map(({ name, ok, detail }) => `\nprobe ${name}: ${ok ? 'green' : '**red**'} (${detail})`),
    ...losses.map(
      ({ by, time, milliseconds }) => `\nlost at most ${formatDuration(milliseconds)}: the ${by} of ${time} is there`,
    ),
    '',
    '| step | state | attempts | began | ended |',
    '| --- | --- | --- | --- | --- |',
    ...steps.map(
      ({ name, state, attempts, started: began, ended }) =>
        `| ${name} | ${state} | ${attempts || ''} | ${began ?? ''} | ${ended ?? ''} |`,
    ),
    LAST,
  ].join('\n');
}

function row(source: DrilledSource): readonly string[] {
  const { outcome, choice, restored, rto, losses, objectives, steps } = source;
  const at = steps.find(({ state }) => state === 'running' || state === 'waiting')?.name;
  return [
    source.source,
    outcome ?? at ?? 'pending',
    choice?.backup.reference ?? '',
    placeInWords(source),
    restored ? formatDuration(restored.milliseconds) : '',
    rto === null ? '' : against(rto, objectives.rto),
    losses.length === 0 ? '' : against(rpoOf(losses), objectives.rpo),
  ];
}

/** Against its objective, where it has one. */
function against(milliseconds: number | null, objective: number | null): string {
  const told = milliseconds === null ? 'not known' : formatDuration(milliseconds);
  if (objective === null) return told;
  const missed = milliseconds === null || milliseconds > objective;
  return `${told} of ${formatDuration(objective)}${missed ? ' **missed**' : ''}`;
}
