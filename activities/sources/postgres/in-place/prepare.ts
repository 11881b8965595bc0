/** The last look at what was restored, before it takes the place of the old data. */
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { InPlaceContext, InPlaceFacts } from '../../types.ts';
import { requireBinaries } from '../binaries.ts';
import { controlData } from '../control.ts';
import { restoredMajor } from '../engine.ts';
import { facts } from './facts.ts';
import { rememberTimeline } from './timelines.ts';

/**
 * The new timeline is noted in state before a server runs on it: should this restore be taken back, the next one gets
 * another number.
 */
export async function prepare(
  { manifest, state, work }: InPlaceContext<PostgresSource>,
  { folder: restored }: { readonly folder: string },
  found: InPlaceFacts,
): Promise<InPlaceFacts> {
  const { taken, systemId } = facts.parse(found);
  const binaries = await requireBinaries(restoredMajor(manifest), { program: 'pg_controldata' });
  const control = await controlData(restored, binaries, work.signal);
  const timeline = Number(control["Latest checkpoint's TimeLineID"]);
  const good =
    control['Database system identifier'] === systemId &&
    control['Database cluster state'] === 'shut down' &&
    timeline > taken;
  if (!good) {
    throw new BackupError(
      'verification-failed',
      `What was restored is not ready: it is "${control['Database cluster state']}" on timeline ${timeline}, and timelines up to ${taken} are taken. Nothing was changed.`,
      { remedy: 'Report this, with the output of the same command with -v.', facts: { timeline, taken } },
    );
  }
  await rememberTimeline(state, timeline);
  return { ...found, timeline };
}
