/** The first step of a run that restores a recovery point. */
import type { PreparedPoint, RestorePointInput } from '../../../model/restore-point-run.ts';
import { elsewhere } from '../restore-seen.ts';
import { atOnce } from '../restore-run.ts';
import { preparePointFolder } from './folder.ts';

/** @throws BackupError as `preparePointFolder`. */
export async function preparePoint(input: RestorePointInput & { readonly once?: boolean }): Promise<PreparedPoint> {
  const { point: id, created, to, sources, seen, once = false } = input;
  const why = seen === undefined ? null : await elsewhere(seen, to);
  if (why !== null) return { existed: [], elsewhere: why };
  return atOnce(once, async () => ({ existed: await preparePointFolder({ id, created, to, sources }) }));
}
