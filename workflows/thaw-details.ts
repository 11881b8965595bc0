/** The Markdown of a thaw, for Temporal's Web UI. */
import { targetText, type Amount, type ThawReport } from '../model/thaw.ts';
import { formatBytes } from '../model/units.ts';
import { inWords } from './details.ts';

/** What is waited for and until when first, then how much of it is there. */
export function thawDetails(report: ThawReport): string {
  const { backup, destination, target, speed, days, promised, facts, error, late, outcome } = report;
  const what = `${backup.reference} at ${destination}${target === null ? '' : `, with the logs to ${targetText(target)}`}`;
  return [
    outcome === 'complete'
      ? '**readable**'
      : outcome === 'cancelled'
        ? '**cancelled**: nobody waits; what was asked for comes all the same, and is paid for'
        : outcome === 'failed'
          ? '**failed**: nobody waits; what was asked for comes all the same'
          : late
            ? `**late**: it should have been there by ${promised}`
            : `**waiting** until ${promised} at the latest`,
    '',
    `${what} (speed ${speed}, ${days} days)`,
    ...(error === null ? [] : [`\n${inWords(error)}`]),
    ...(facts === null
      ? []
      : [
          '',
          '| state | objects | size |',
          '| --- | --- | --- |',
          row('readable', facts.readable),
          row('on its way', facts.thawing),
          ...(facts.frozen.objects > 0 ? [row('frozen', facts.frozen)] : []),
          ...(facts.until === null ? [] : [`\nThe first of it freezes again at ${facts.until}.`]),
        ]),
    '\n\u00a0',
  ].join('\n');
}

function row(state: string, { objects, bytes }: Amount): string {
  return `| ${state} | ${objects} | ${formatBytes(bytes)} |`;
}
