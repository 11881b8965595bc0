/** A thaw in words. */
import { targetOptions, targetText, type Cost, type SpeedPreview, type ThawReport } from '../../../model/thaw.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import type { ThawPlan } from '../../thaw/plan.ts';
import { table } from '../output.ts';

/** What it is about, how it stands, and what each speed takes and costs. */
export function previewText({ input, facts, speeds }: ThawPlan): string {
  const { all, frozen, thawing, readable } = facts;
  const what = `${input.backup.reference} at ${input.destination}${logsText(input)}: ${all.objects} objects, ${formatBytes(all.bytes)}`;
  const states = [
    [frozen, 'frozen'],
    [thawing, 'asked for, and not there yet'],
    [readable, facts.until === null ? 'readable' : `readable until ${facts.until}`],
  ] as const;
  const stand = states
    .filter(([{ objects }]) => objects > 0)
    .map(([{ objects, bytes }, state]) => `${objects} ${state} (${formatBytes(bytes)})`);
  return [what, `  ${stand.join('; ')}`, ...(frozen.objects > 0 ? ['', speedsText(speeds, input.speed)] : [])].join(
    '\n',
  );
}

function speedsText(speeds: readonly SpeedPreview[], chosen: string): string {
  const priced = speeds.find(({ cost }) => cost !== null)?.cost ?? null;
  const rows = speeds.map(({ speed, least, most, cost }) => [
    speed === chosen ? `${speed} *` : speed,
    least === 0 ? `up to ${formatDuration(most)}` : `${formatDuration(least)} to ${formatDuration(most)}`,
    ...(priced === null ? [] : cost === null ? ['not priced', '', '', '', ''] : amounts(cost)),
  ]);
  const figures = ['total', 'retrieval', 'requests', 'kept', 'transfer'];
  if (priced === null)
    return `${table(['speed', 'takes'], rows)}\nWhat it costs is not known: the config has no prices (destinations.…thaw.prices, docs/cold-storage.md).`;
  return `${table(['speed', 'takes', ...figures], rows, figures)}\nIn ${priced.currency}, by prices of ${priced.asOf} out of the config; what the provider bills is what counts.`;
}

function amounts({ total, retrieval, requests, kept, transfer }: Cost): readonly string[] {
  return [total, retrieval, requests, kept, transfer].map(money);
}

/** `0.0042`, `12.30`: small sums keep two digits that say something. */
export function money(amount: number): string {
  if (amount === 0 || amount >= 0.1) return amount.toFixed(2);
  return amount < 0.0001 ? '<0.0001' : amount.toPrecision(2);
}

/** Where it is, in a line. */
export function progressText({ facts, error, late, promised, destination }: ThawReport): string {
  if (error !== null) return `${destination}: the last look failed, and is made again: ${error.message}`;
  if (facts === null) return `asking ${destination}`;
  const { all, readable } = facts;
  const end = late ? `promised until ${promised}, and LATE` : `there by ${promised} at the latest`;
  return `${destination}: ${readable.objects} of ${all.objects} objects readable (${formatBytes(readable.bytes)} of ${formatBytes(all.bytes)}), ${end}`;
}

export function reportText(report: ThawReport): string {
  const { backup, destination, facts, outcome, speed, error } = report;
  const what = `${backup.reference} at ${destination}${logsText(report)}`;
  if (outcome === 'cancelled' || outcome === 'failed')
    return `${what}: nobody waits for it; what was asked for comes all the same`;
  if (outcome === null)
    return [
      `${what}: asked for (${speed}) at ${report.started}`,
      progressText(report),
      ...(error?.remedy ? [`  → ${error.remedy}`] : []),
    ].join('\n');
  const until = facts?.until ?? null;
  return [
    `${what} is readable${until === null ? '' : ` until ${until}`}`,
    `  mosaic-backup restore ${backup.reference} --from ${destination}${targetOptions(report.target)} --to FOLDER`,
  ].join('\n');
}

type Targeted = Pick<ThawReport, 'target'>;

function logsText({ target }: Targeted): string {
  return target === null ? '' : `, with the logs to ${targetText(target)}`;
}
