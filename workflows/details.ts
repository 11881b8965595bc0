/** The Markdown that operators read as "current details" in Temporal's Web UI. */
import { formatBytes, formatDuration } from '../model/units.ts';
import { retentionLines } from '../model/retention/lines.ts';
import type { RunReport, SourceReport, StepError } from '../model/run.ts';

/**
 * What is wrong and what to do about it, then the run as a table, one line a source: the Web UI shows but the first lines
 * at once.
 */
export function runDetails({ outcome, sources, errors: ofRun, retention = [] }: RunReport): string {
  const rows = sources.map(
    (source) =>
      `| ${source.source} | ${source.outcome ?? source.state} | ${source.captured?.kind ?? ''} | ${size(source)} | ${time(source)} | ${copiesOf(source)} | ${source.verified ? 'yes' : ''} |`,
  );
  return [
    outcome ? `**${outcome}**` : '**running** (each source has a page of its own, under "Relationships")',
    ...ofRun.map((error) => `\n${inWords(error)}`),
    ...sources.flatMap(({ source, errors }) => errors.map((error) => `\n**${source}**: ${inWords(error)}`)),
    '',
    '| source | state | kind | stored | time | copies | verified |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    ...retention.flatMap(retentionLines).map((line) => `\n${line}`),
    LAST,
  ].join('\n');
}

/** One source: its state, each failure with its remedy, what was stored. */
export function sourceDetails(report: SourceReport): string {
  const { captured, copies, skipped = [], errors, outcome, state } = report;
  return [
    outcome ? `**${outcome}**` : `**${state}**${WHILE_RUNNING}`,
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
    LAST,
  ].join('\n');
}

/** A workflow does not hear of the attempts of its steps: Temporal shows them elsewhere. */
const WHILE_RUNNING =
  ' (a step that fails is tried again until its deadline: "Pending Activities" shows the attempt, its last error and what to do)';

/** The Web UI cuts off some 20 pixels at the end: an empty line, so that it is no row. */
const LAST = '\n\u00a0';

/** A failed step and what to do about it. */
export function inWords({ step, message, remedy }: StepError): string {
  return `${step} failed: ${message}${remedy ? `\n\nWhat to do: ${remedy}` : ''}`;
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
