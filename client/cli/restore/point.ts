/** `restore --point`: a whole recovery point, each source to a folder of its name. */
import path from 'node:path';
import { planPoint, type PointPlan } from '../../../activities/operations/restore-point/plan.ts';
import type { Site } from '../../../activities/site.ts';
import { BackupError } from '../../../model/errors.ts';
import { latestPoint, type LatestPoint } from '../../../model/latest-point.ts';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { RestorePointInput } from '../../../model/restore-point-run.ts';
import { readOverview } from '../../backups/overview.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import type { RestoreOptions } from './options.ts';
import { BESIDE, carryOutPoint } from './point-carry-out.ts';
import { expectedOf, pointHead, pointPlanText, pointResultText, restoredFacts } from './point-text.ts';
import { thawPoint } from './point-thaw.ts';

export type PointOptions = RestoreOptions & { readonly to: string; readonly point: string };

/** Exit status 3 where something of it could not be restored. */
export async function restorePointCommand(cli: Cli, options: PointOptions): Promise<void> {
  const site = await cli.site();
  requireReachable(site, options);
  const to = path.resolve(cli.cwd, options.to);
  const { point, narrower } = await findPoint(site, options);
  if (narrower.length > 0) cli.out.note(narrowerText(point, narrower));
  const sources = options.source === undefined ? undefined : [options.source];
  const plan = await planPoint({ site, point, from: options.from, sources });
  for (const why of plan.passed) cli.out.note(`passed over: ${why}`);
  const expected = await expectedOf(site, plan, BESIDE);
  cli.out.note(pointHead(plan, to, expected.total));
  if (options.dryRun) {
    const steps = plan.steps.map(({ places, frozen, ...step }) => ({
      ...step,
      places: places.map(({ name }) => name),
      frozen: frozen.map(({ name }) => name),
      expected: expected.of.get(step.source) ?? null,
    }));
    cli.out.result({ dryRun: true, point: point.id, to, steps, lacking: plan.lacking, expected: expected.total }, () =>
      pointPlanText(plan, expected.of),
    );
    return;
  }
  cli.out.note(pointPlanText(plan, expected.of));
  const readable = await thawPoint(cli, plan, options);
  if (readable === null) return;
  const restored = await carryOutPoint(cli, inputOf(site, readable, to, options), options);
  const failed = restored.filter(({ error }) => error !== null);
  const { lacking } = readable;
  cli.out.result({ point: point.id, to, restored: restored.map(restoredFacts), lacking }, () =>
    pointResultText(restored, readable),
  );
  if (failed.length + lacking.length > 0) cli.exitWith(3);
}

function inputOf(site: Site, { point, steps }: PointPlan, to: string, { on }: PointOptions): RestorePointInput {
  return {
    site: site.config.site,
    host: on ?? site.host,
    point: point.id,
    created: point.created,
    to,
    sources: steps.map(({ source, backup, after, places, bytes }) => ({
      source,
      backup: { reference: backup.reference, sha256: backup.sha256 },
      after,
      places: places.map(({ name }) => name),
      bytes,
    })),
  };
}

/** @throws BackupError `not-found` with those that there are. */
async function findPoint(site: Site, { point: id, from, source }: PointOptions): Promise<LatestPoint> {
  const { recoveryPoints } = await readOverview(site, placeOption(from));
  const wanted = source === undefined ? Object.keys(site.config.sources) : [source];
  const named = recoveryPoints.find((one) => one.id === id);
  const found = id === 'latest' ? latestPoint(recoveryPoints, wanted) : named && { point: named, narrower: [] };
  if (found) return found;
  const known = recoveryPoints.slice(0, 5).map((one) => one.id);
  throw new BackupError('not-found', `There is no recovery point "${id}" at the places that can be looked at.`, {
    remedy: known.length === 0 ? 'Restore single backups: mosaic-backup list.' : `The newest are: ${known.join(', ')}.`,
  });
}

function narrowerText({ id }: RecoveryPoint, narrower: readonly RecoveryPoint[]): string {
  const names = narrower.slice(0, 3).map((one) => one.id);
  return `the latest of the whole stack is ${id}; newer ones hold fewer sources: ${names.join(', ')}${narrower.length > names.length ? ', …' : ''}`;
}

/** Of another host only what lies at a destination can be seen from here. */
function requireReachable(site: Site, { on, from, to, direct }: PointOptions): void {
  if (on !== undefined && direct)
    throw new BackupError('usage', '--direct is this process, and --on a worker: only one of them can restore.', {
      remedy: 'Leave one of them out.',
    });
  if (on === undefined || on === site.host || (from !== undefined && to.startsWith('/'))) return;
  throw new BackupError('usage', `A restore on ${on} wants --from a destination, and an absolute path.`, {
    remedy: `As in: mosaic-backup restore --point latest --from DESTINATION --on ${on} --to /srv/restored`,
  });
}
