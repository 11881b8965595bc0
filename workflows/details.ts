/** The Markdown that operators read as "current details" in Temporal's Web UI. */
import { formatBytes, formatDuration } from '../model/units.ts';
import type { RunReport, SourceReport, StepError } from '../model/run.ts';

/** A run as a table, one line a source, then what is wrong and what to do about it. */
export function runDetails({ outcome, sources, errors: ofRun }: RunReport): string {
  const rows = sources.map(
    (source) =>
      `| ${source.source} | ${source.outcome ?? source.state} | ${source.captured?.kind ?? ''} | ${size(source)} | ${time(source)} | ${source.copies.map(({ destination }) => destination).join(', ')} | ${source.verified ? 'yes' : ''} |`,
  );
  return [
    outcome ? `**${outcome}**` : '**running**',
    '',
    '| source | state | kind | stored | time | copies | verified |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    ...ofRun.map((error) => `\n${inWords(error)}`),
    ...sources.flatMap(({ source, errors }) => errors.map((error) => `\n**${source}**: ${inWords(error)}`)),
  ].join('\n');
}

/** One source: its state, what was stored, and each failure with its remedy. */
export function sourceDetails(report: SourceReport): string {
  const { captured, copies, errors } = report;
  return [
    `**${report.outcome ?? report.state}**`,
    captured
      ? `\n\`${captured.backup.reference}\` · ${size(report)} · ${time(report)}${captured.existed ? ' · was there already' : ''}`
      : '',
    ...(captured?.warnings ?? []).map((warning) => `\nnote: ${warning}`),
    ...copies.map(
      ({ destination, bytes, milliseconds }) =>
        `\ncopy at ${destination}: ${formatBytes(bytes)} in ${formatDuration(milliseconds)}`,
    ),
    ...errors.map((error) => `\n${inWords(error)}`),
  ].join('\n');
}

/** A failed step and what to do about it. */
export function inWords({ step, message, remedy }: StepError): string {
  return `${step} failed: ${message}${remedy ? `\n\nWhat to do: ${remedy}` : ''}`;
}

function size({ captured }: SourceReport): string {
  return captured ? `${formatBytes(captured.bytes)} of ${formatBytes(captured.plainBytes)}` : '';
}

function time({ captured }: SourceReport): string {
  return captured ? formatDuration(captured.milliseconds) : '';
}
