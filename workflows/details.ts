/** The Markdown that operators read as "current details" in Temporal's Web UI. */
import { PLAN, waitingSteps, waitsForTurn, type GraphStep } from '../model/graph.ts';
import { wholeSeconds } from '../model/time.ts';
import { formatBytes, formatDuration } from '../model/units.ts';
import { retentionLines } from '../model/retention/lines.ts';
import type { RunReport, SourceReport, StepError } from '../model/run.ts';

/**
 * What waits or is wrong and what to do about it, then the run as a table, one line a source: the Web UI shows but the first lines
 * at once.
 */
export function runDetails(
  { runId, outcome, sources, errors: ofRun, retention = [] }: RunReport,
  steps: readonly GraphStep[],
  isCancelled: boolean,
): string {
  const waiting = waitingSteps(steps);
  const waitingSources = new Set(waiting.map(({ id }) => id.split('/')[0]));
  const stateOf = ({ source, state }: SourceReport): string =>
    isCancelled ? 'cancelled' : waitingSources.has(source) ? 'waiting' : state;
  const rows = sources.map(
    (source) =>
      `| ${source.source} | ${source.outcome ?? stateOf(source)} | ${source.captured?.kind ?? ''} | ${size(source)} | ${time(source)} | ${copiesOf(source)} | ${source.verified ? 'yes' : ''} |`,
  );
  return [
    outcome ? `**${outcome}**` : isCancelled ? CANCELLED : isUnplanned(steps) ? '**waiting**' : RUNNING,
    ...waiting
      .filter((step) => step.error !== null || waitsForTurn([step]))
      .map((step) => `\n${waitingInWords(step, runId, '')}`),
    ...ofRun.map((error) => `\n${inWords(error)}`),
    ...sources.flatMap(({ source, softSkip }) =>
      softSkip === undefined ? [] : `\n**${source}** skipped: ${softSkip}`,
    ),
    ...sources.flatMap(({ source, errors }) => errors.map((error) => `\n**${source}**: ${inWords(error)}`)),
    '',
    '| source | state | kind | stored | time | copies | verified |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    ...retention.flatMap(retentionLines).map((line) => `\n${line}`),
    LAST,
  ].join('\n');
}

const PAGES = '(each source has a page of its own, under "Relationships")';
const RUNNING = `**running** ${PAGES}`;
const CANCELLED = `**cancelled** ${PAGES}`;

/** Whether it cannot begin: another run of the plan goes on, or nobody plans it. */
export function isUnplanned(steps: readonly GraphStep[]): boolean {
  return waitingSteps(steps).some(({ id }) => id === PLAN);
}

/** One source: its state, each failure with its remedy, what was stored, and its steps as a table. */
export function sourceDetails(runId: string, report: SourceReport): string {
  const { captured, copies, skipped = [], errors, outcome, state, softSkip, steps = [] } = report;
  return [
    outcome ? `**${outcome}**${softSkip === undefined ? '' : `: ${softSkip}`}` : `**${state}**`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...errors.map((error) => `\n${inWords(error)}`),
    captured
      ? `\n\`${captured.backup.reference}\` · ${size(report)} · ${time(report)}${captured.existed ? ' · was there already' : ''}`
      : '',
    ...(captured?.warnings ?? []).map((warning) => `\nnote: ${warning}`),
    ...copies.map(
      ({ destination, bytes, milliseconds }) =>
        `\ncopy at ${destination}: ${formatBytes(bytes)} in ${formatDuration(milliseconds)}`,
    ),
    ...skipped.map(({ destination, skipped: why }) => `\ncopy at ${destination}: skipped, ${why}`),
    '',
    '| step | state | attempts | began | ended |',
    '| --- | --- | --- | --- | --- |',
    ...steps.map(
      ({ name, state: at, attempts, started, ended }) =>
        `| ${name} | ${at} | ${attempts || ''} | ${seconds(started)} | ${seconds(ended)} |`,
    ),
    LAST,
  ].join('\n');
}

/** The Web UI cuts off some 20 pixels at the end: an empty line, so that it is no row. */
const LAST = '\n\u00a0';

export function nextOf({ next }: GraphStep): string {
  return next === null ? ' as soon as its host answers' : ` at ${next}`;
}

/** A step that waits: why, what to do, and when it is tried again. */
export function waitingInWords(step: GraphStep, runId: string, next: string): string {
  const { id, error, deadline } = step;
  if (waitsForTurn([step])) return 'It waits for its turn: another run of this plan goes on.';
  // Nobody can decide anything about a run that has no steps yet.
  if (id === PLAN)
    return `**It is not planned yet**: ${error?.message ?? ''}\n\nWhat to do: ${error?.remedy ?? ''}\n\nIt is given up at ${deadline ?? '?'}.`;
  return [
    `**${id} waits**: ${error?.message ?? 'for its turn'}`,
    ...(error?.remedy ? [`\n\nWhat to do: ${error.remedy}`] : []),
    `\n\nIt is tried again${next}, until ${deadline ?? '?'}. `,
    `Now, or not at all: the Updates \`retry\` and \`skip\` of this workflow, or \`mosaic-backup runs retry ${runId} --step ${id}\`.`,
  ].join('');
}

/** A failed step and what to do about it. */
export function inWords({ step, message, remedy }: StepError): string {
  return `${step} failed: ${message}${remedy ? `\n\nWhat to do: ${remedy}` : ''}`;
}

function seconds(time: string | null): string {
  return time === null ? '' : wholeSeconds(Date.parse(time));
}

function copiesOf({ copies, skipped = [] }: SourceReport): string {
  const later = skipped.map(({ destination }) => `${destination} (skipped)`);
  return [...copies.map(({ destination }) => destination), ...later].join(', ');
}

function size({ captured }: SourceReport): string {
  return captured ? `${formatBytes(captured.bytes)} of ${formatBytes(captured.plainBytes)}` : '';
}

function time({ captured }: SourceReport): string {
  return captured ? formatDuration(captured.milliseconds) : '';
}
