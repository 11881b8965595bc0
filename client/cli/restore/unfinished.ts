/** `restore --resume` and `--undo`: a restore in place that was cut off. */
import { resumeInPlace, undoInPlace, type InPlaceWork } from '../../../activities/operations/in-place/index.ts';
import { sourceConfig } from '../../../activities/operations/source-config.ts';
import { BackupError } from '../../../model/errors.ts';
import { withPausing } from '../../schedules/pausing.ts';
import type { Cli } from '../context.ts';
import { behind } from './in-place-carry-out.ts';
import type { RestoreOptions } from './options.ts';

export async function unfinishedCommand(cli: Cli, options: RestoreOptions): Promise<void> {
  const { source } = options;
  if (source === undefined)
    throw new BackupError('usage', 'Which source is not said.', { remedy: 'Add --source; status names it.' });
  const site = await cli.site();
  sourceConfig(site, source);
  const tell = (line: string) => cli.out.note(line);
  await withPausing({ site, env: cli.env, tell }, async (schedules) => {
    const request: InPlaceWork = {
      site,
      source,
      schedules,
      tell,
      work: await cli.work(),
      run: null,
    };
    if (options.undo) {
      await undoInPlace(request);
      cli.out.result({ source, undone: true }, () => `the restore in place of "${source}" is taken back`);
      return;
    }
    const done = await resumeInPlace(request);
    if (!done) {
      cli.out.result(
        { source, undone: true },
        () => `the restore in place of "${source}" was going back, and is taken back`,
      );
      return;
    }
    const full = await behind(cli, request);
    cli.out.result({ source, ...done, full }, () => `the restore in place of "${source}" is finished, in ${done.data}`);
  });
}
