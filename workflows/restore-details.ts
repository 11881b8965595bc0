/** The Markdown that operators read as "current details" of a restore. */
import { waitingSteps, type GraphStep } from '../model/graph.ts';
import { serverText, whatText, type IntoInput, type IntoReport } from '../model/into-run.ts';
import type { InPlaceInput, InPlaceReport } from '../model/in-place-run.ts';
import type { PointReport, RestorePointInput } from '../model/restore-point-run.ts';
import type { RestoreInput, RestoreReport } from '../model/restore-run.ts';
import { describeTarget } from '../model/target.ts';
import { formatDuration } from '../model/units.ts';
import { inWords, nextOf, waitingInWords } from './details.ts';

export function restoreDetails(
  { backup, place, target, to, host, paths }: RestoreInput,
  { outcome, milliseconds, error, from = null, passed = [] }: RestoreReport,
  steps: readonly GraphStep[],
  runId: string,
): string {
  return [
    outcome === null
      ? '**running**'
      : `**${outcome}**${milliseconds === null ? '' : ` in ${formatDuration(milliseconds)}`}`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...(error ? [`\n${inWords(error)}`] : []),
    `\n\`${backup.reference}\` from ${from ?? place ?? 'the repository'} to \`${to}\` on ${host}`,
    ...passed.map((why) => `\npassed over: ${why}`),
    ...(target ? [`\nuntil ${describeTarget(target)}`] : []),
    ...(paths.length > 0 ? [`\nonly ${paths.map((each) => `\`${each}\``).join(', ')}`] : []),
    '\n\u00a0',
  ].join('\n');
}

/** The same of a restore in place. */
export function inPlaceDetails(
  { source, backup, place, target, data, host }: InPlaceInput,
  { outcome, done, full, error, elsewhere, takingBack = false }: InPlaceReport,
  steps: readonly GraphStep[],
  runId: string,
): string {
  return [
    outcome === null ? '**running**' : `**${outcome}**`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...(error ? [`\n${inWords(error)}`] : []),
    ...(error?.told ?? []).map((line) => `\n${line}`),
    ...(takingBack ? [`\nit was cancelled: the worker of ${host} takes back what it has begun, once it is there`] : []),
    ...(elsewhere === undefined ? [] : [`\nnothing was done: ${elsewhere}`]),
    `\n\`${backup.reference}\` from ${place ?? 'the repository'} in place of \`${data}\` of ${source} on ${host}`,
    ...(target ? [`\nuntil ${describeTarget(target)}`] : []),
    ...(done === null ? [] : [`\nservice is back${done.down === null ? '' : `, after ${formatDuration(done.down)}`}`]),
    ...(done?.told ?? []).map((line) => `\n${line}`),
    ...(full === null ? [] : [`\na full was made: \`${full.reference}\``]),
    ...(full?.problems ?? []).map(({ message }) => `\nbut: ${message}`),
    '\n\u00a0',
  ].join('\n');
}

/** The same of a restore into a running server. */
export function intoDetails(
  run: IntoInput,
  { outcome, done, error, elsewhere }: IntoReport,
  steps: readonly GraphStep[],
  runId: string,
): string {
  const { backup, place, host } = run;
  const keys = done?.keys ?? null;
  return [
    outcome === null
      ? '**running**'
      : `**${outcome}**${done === null ? '' : ` in ${formatDuration(done.milliseconds)}`}`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...(error ? [`\n${inWords(error)}`] : []),
    ...(elsewhere === undefined ? [] : [`\nnothing was done: ${elsewhere}`]),
    `\n${whatText(run)} of \`${backup.reference}\` from ${place ?? 'the repository'} into \`${serverText(run)}\`, on ${host}`,
    ...(keys === null ? [] : [`\n${keys.restored} of ${keys.meant} keys`]),
    '\n\u00a0',
  ].join('\n');
}

/** The same of a whole recovery point: a line for each source. */
export function pointDetails(
  { point, to, host }: RestorePointInput,
  { outcome, sources, error, elsewhere }: PointReport,
  steps: readonly GraphStep[],
  runId: string,
): string {
  const rows = sources.map(({ source, outcome: how, existed, from, milliseconds, error: failure }) => {
    const state = existed ? 'was there already' : (how ?? '');
    const took = milliseconds > 0 ? formatDuration(milliseconds) : '';
    return `| ${source} | ${state} | ${from ?? ''} | ${took} | ${failure?.message ?? ''} |`;
  });
  return [
    outcome === null ? '**running**' : `**${outcome}**`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...(error ? [`\n${inWords(error)}`] : []),
    ...(elsewhere === undefined ? [] : [`\nnothing was done: ${elsewhere}`]),
    `\n\`${point}\` to \`${to}\` on ${host}`,
    '\n| source | outcome | from | took | error |\n| --- | --- | --- | --- | --- |',
    ...rows,
    '\n\u00a0',
  ].join('\n');
}
