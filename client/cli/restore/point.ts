/** `restore --point`: a whole recovery point, each source to a folder of its name. */
import type { PointPlan, PointStep } from '../../../activities/operations/restore-point/plan.ts';
import type { RestoredSource } from '../../../activities/operations/restore-point/restore.ts';
import type { Site } from '../../../activities/site.ts';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';
import type { RestoreOptions } from './options.ts';

/** Sources at a time: more share the same disk and network. */
const BESIDE = 2;

export type PointOptions = RestoreOptions & { readonly to: string; readonly point: string };

/** Exit status 3 where something of it could not be restored. */
export async function restorePointCommand(cli: Cli, options: PointOptions): Promise<void> {
  const [{ planPoint }, { restorePoint }, path, { formatBytes }] = await Promise.all([
    import('../../../activities/operations/restore-point/plan.ts'),
    import('../../../activities/operations/restore-point/restore.ts'),
    import('node:path'),
    import('../../../model/units.ts'),
  ]);
  const site = await cli.site();
  const to = path.resolve(cli.cwd, options.to);
  const point = await findPoint(site, options);
  const sources = options.source === undefined ? undefined : [options.source];
  const plan = await planPoint({ site, point, from: options.from, sources });
  for (const why of plan.passed) cli.out.note(`passed over: ${why}`);
  const bytes = plan.steps.reduce((sum, step) => sum + step.bytes, 0);
  cli.out.note(`${point.id} (${point.outcome}) to ${to}: ${plan.steps.length} sources, ${formatBytes(bytes)} at most`);
  const lacking = plan.lacking.map(({ source, why }) => ({ source, why }));
  if (options.dryRun) {
    const steps = plan.steps.map(({ places, ...step }) => ({ ...step, places: places.map(({ name }) => name) }));
    cli.out.result({ dryRun: true, point: point.id, to, steps, lacking }, () => planText(plan, formatBytes));
    return;
  }
  const restored = await restorePoint({ site, plan, to, beside: BESIDE, work: (source) => cli.work(source) });
  const failed = restored.filter(({ error }) => error !== null);
  cli.out.result({ point: point.id, to, restored: restored.map(facts), lacking }, () => resultText(restored, plan));
  if (failed.length + lacking.length > 0) cli.exitWith(3);
}

/** @throws BackupError `not-found` with those that there are. */
async function findPoint(site: Site, { point: id, from }: PointOptions): Promise<RecoveryPoint> {
  const [{ readOverview }, { placeOption }, { BackupError }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../place-option.ts'),
    import('../../../model/errors.ts'),
  ]);
  const { recoveryPoints } = await readOverview(site, placeOption(from));
  const found = id === 'latest' ? recoveryPoints[0] : recoveryPoints.find((one) => one.id === id);
  if (found) return found;
  const known = recoveryPoints.slice(0, 5).map((one) => one.id);
  throw new BackupError('not-found', `There is no recovery point "${id}" at the places that can be looked at.`, {
    remedy: known.length === 0 ? 'Restore single backups: mosaic-backup list.' : `The newest are: ${known.join(', ')}.`,
  });
}

function planText({ steps, lacking }: PointPlan, formatBytes: (bytes: number) => string): string {
  const rows = steps.map(({ source, backup, stale, places, bytes }: PointStep) => [
    source,
    `${backup.reference}${stale ? ' (older than the run)' : ''}`,
    places.map(({ name }) => name).join(', '),
    formatBytes(bytes),
  ]);
  return [
    table(['source', 'backup', 'from', 'at most'], rows, ['at most']),
    ...lacking.map(({ source, why }) => `${source}: nothing to restore: ${why}`),
  ].join('\n');
}

function resultText(restored: readonly RestoredSource[], { lacking }: PointPlan): string {
  const rows = restored.map(({ source, reference, from, existed, milliseconds, error }) => [
    source,
    error ? 'FAILED' : existed ? 'was there already' : `restored in ${(milliseconds / 1000).toFixed(1)}s`,
    reference,
    from ?? '',
  ]);
  return [
    table(['source', 'outcome', 'backup', 'from'], rows),
    ...restored.flatMap(({ source, passed }) => passed.map((why) => `${source}: passed over: ${why}`)),
    ...restored.flatMap(({ source, error }) =>
      error ? [`${source}: ${error.message}${error.remedy ? `\n  What to do: ${error.remedy}` : ''}`] : [],
    ),
    ...lacking.map(({ source, why }) => `${source}: nothing to restore: ${why}`),
  ].join('\n');
}

function facts({ error, ...one }: RestoredSource) {
  return { ...one, error: error && { code: error.code, message: error.message, remedy: error.remedy ?? null } };
}
