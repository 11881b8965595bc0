/** `copies inventory`: what a vault itself says that it holds, and what nobody has on record. */
import { openDestination } from '../../../activities/storage/destinations.ts';
import type {
  Inventory,
  InventoryRecorded,
  InventoryReport,
  InventoryState,
} from '../../../activities/storage/types.ts';
import { BackupError, exitStatus } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';
import type { Cli } from '../context.ts';

export interface InventoryOptions {
  readonly ask?: boolean;
  readonly record?: boolean;
  readonly dryRun?: boolean;
}

export async function inventoryCommand(cli: Cli, destination: string, options: InventoryOptions): Promise<void> {
  const { inventory } = openDestination(destination, await cli.site());
  if (inventory === undefined) {
    throw new BackupError('usage', `${destination} makes no lists of its own: all that it holds is listed at once.`, {
      remedy: `mosaic-backup verify --destination ${destination} says what is missing there, and what is left over.`,
    });
  }
  if (options.ask && options.dryRun !== true) await inventory.ask();
  const found = await inventory.look();
  if (found.state !== 'ready') {
    cli.out.result({ destination, ...found }, () => notYet(destination, found));
    return;
  }
  const { report } = found;
  const recorded = options.record ? await record(inventory, report, options) : null;
  cli.out.result({ destination, ...found, recorded }, () => text(cli, destination, report, recorded));
  if (report.missing.length > 0 || report.different.length > 0) cli.exitWith(exitStatus('verification-failed'));
}

interface Recorded extends InventoryRecorded {
  readonly dryRun: boolean;
}

async function record(
  inventory: Inventory,
  report: InventoryReport,
  { dryRun = false }: InventoryOptions,
): Promise<Recorded> {
  if (!dryRun) return { dryRun, ...(await inventory.record(report)) };
  return { dryRun, added: report.extra.filter(({ of }) => of !== null).length, struckOff: report.missing.length };
}

function notYet(destination: string, found: Exclude<InventoryState, { readonly state: 'ready' }>): string {
  if (found.state === 'none') return `${destination} has no list that is not older than a day: --ask asks for one`;
  const since = found.since === undefined ? '' : ` since ${found.since.toISOString()}`;
  return `${destination} makes its list${since}; that takes some hours, and this command shows it then`;
}

function text({ out }: Cli, destination: string, report: InventoryReport, recorded: Recorded | null): string {
  const { taken, archives, bytes, missing, different, extra } = report;
  const ours = extra.filter(({ of }) => of !== null);
  const strange = extra.length - ours.length;
  return [
    `${destination}, as of ${taken.toISOString()}: ${archives} archives, ${formatBytes(bytes)}`,
    ...missing.map(
      ({ key, archiveId }) => `${out.style('red', 'MISSING')} ${key}: on record as ${archiveId}, and not there`,
    ),
    ...different.map(({ key, found }) => `${out.style('red', 'DIFFERENT')} ${key}: ${found}`),
    ...ours.map(
      ({ of, archiveId, bytes: size }) =>
        `${out.style('yellow', 'NOT ON RECORD')} ${of?.key ?? ''}: ${formatBytes(size)}, archive ${archiveId}`,
    ),
    ...(strange > 0 ? [`${strange} archives are of nobody that this site knows`] : []),
    ...(recorded === null
      ? []
      : [
          `${recorded.added} archives ${recorded.dryRun ? 'would be' : 'were'} put on record, ${recorded.struckOff} struck off`,
        ]),
    ...(recorded === null && ours.length + missing.length > 0
      ? ['--record puts on record what is not, and strikes off what is missing: copies repair stores it again then']
      : []),
    ...(extra.length === 0 && missing.length === 0 && different.length === 0
      ? [out.style('green', 'all of it is on record, and all that is on record was there')]
      : []),
  ].join('\n');
}
