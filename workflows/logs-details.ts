/** The Markdown that operators read as "current details" of a tick. */
import type { LogsFacts } from '../model/logs-run.ts';
import type { RunReport, SourceReport } from '../model/run.ts';
import { formatBytes, formatDuration } from '../model/units.ts';
import { inWords } from './details.ts';

/** A line a source: what was stored, until when its logs cover, which copies were made and which are owed. */
export function logsDetails({ outcome, sources, errors }: RunReport): string {
  return [
    outcome ? `**${outcome}**` : '**running**',
    '',
    '| source | state | stored | time | covers until | copies | owed |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...sources.map(row),
    ...sources.flatMap(notes),
    ...errors.map((error) => `\n${inWords(error)}`),
  ].join('\n');
}

function row({ source, state, outcome, captured, copies, logs }: SourceReport): string {
  const stored = captured ? formatBytes(captured.bytes) : logs?.shipped ? 'nothing new' : '';
  const time = captured ? formatDuration(captured.milliseconds) : '';
  const made = copies.map(({ destination, bytes }) => `${destination} ${formatBytes(bytes)}`).join(', ');
  const owed = Object.entries(logs?.owed ?? {}).map(([destination, count]) => `${destination} ${count}`);
  return `| ${source} | ${outcome ?? state} | ${stored} | ${time} | ${logs?.coversUntil ?? ''} | ${made} | ${owed.join(', ')} |`;
}

function notes({ source, errors, logs }: SourceReport): readonly string[] {
  return [
    ...(logs?.gap ? [`\n**${source}**: ${logs.gap}`] : []),
    ...(logs?.missing ?? []).map(
      ({ from, to }) => `\n**${source}**: logs are gone: no time from ${from} until ${to ?? 'now'} can be restored`,
    ),
    ...(logs ? fullNote(source, logs) : []),
    ...errors.map((error) => `\n**${source}**: ${inWords(error)}`),
  ];
}

function fullNote(source: string, { fullRun, fullOwed }: LogsFacts): readonly string[] {
  const by = fullRun ? ` by the run \`${fullRun}\`` : '';
  if (fullOwed)
    return [
      `\n**${source}**: the full behind a hole is not at ${fullOwed.join(', ')} yet${by && `; it is copied${by}`}`,
    ];
  return fullRun ? [`\n**${source}**: a full is made${by}`] : [];
}
