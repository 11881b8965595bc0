/** The Markdown that operators read as "current details" of catch-up. */
import type { Delivered } from '../model/catch-up.ts';
import type { Outcome } from '../model/recovery-point.ts';
import type { StepError } from '../model/run.ts';
import { formatBytes } from '../model/units.ts';
import { inWords } from './details.ts';

/** A line for each destination and host: how far it is behind, since when, and what was copied just now. */
export function deliveryDetails(
  destinations: readonly Delivered[],
  outcome: Outcome | null,
  errors: readonly StepError[],
): string {
  return [
    ...(outcome === null ? [] : [`**${outcome}**`, '']),
    '| destination | from | state | backups owed | bytes | since | records | copied now |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...destinations.map(row),
    ...[...errors, ...destinations.flatMap((one) => one.errors)].map((error) => `\n${inWords(error)}`),
    '\n\u00a0',
  ].join('\n');
}

function row({ destination, host, state, behind, copied }: Delivered): string {
  const owed = behind
    ? `${behind.backups} | ${formatBytes(behind.bytes)} | ${behind.since ?? ''} | ${behind.records}`
    : '? | | |';
  const now = copied.backups > 0 ? `${copied.backups}, ${formatBytes(copied.bytes)}` : '';
  return `| ${destination} | ${host} | ${state} | ${owed} | ${now} |`;
}
