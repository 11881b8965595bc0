/** The first step of a run that restores a recovery point. */
import type { PreparedPoint, RestorePointInput } from '../../../model/restore-point-run.ts';
import type { Site } from '../../site.ts';
import { elsewhere } from '../restore-seen.ts';
import { atOnce } from '../restore-run.ts';
import { preparePointFolder } from './folder.ts';

/** @throws BackupError as `preparePointFolder`. */
export async function preparePoint(
  site: Pick<Site, 'file'>,
  input: RestorePointInput & { readonly once?: boolean },
): Promise<PreparedPoint> {
  const { point: id, created, to, sources, seen, once = false } = input;
  const why = seen === undefined ? null : await elsewhere(site, seen, to);
  if (why !== null) return { existed: [], elsewhere: why };
  return atOnce(once, async () => ({ existed: await preparePointFolder({ id, created, to, sources }) }));
}
