/** `keys rotate --pause | --resume | --status`. */
import { BackupError } from '../../../model/errors.ts';
import { rotationNow, setPaused } from '../../keys/rotate-run.ts';
import type { Cli } from '../context.ts';
import { withClient } from '../with-client.ts';
import { reportText } from './rotation-text.ts';

interface ControlOptions {
  readonly pause?: boolean;
  readonly resume?: boolean;
}

export async function controlCommand(cli: Cli, { pause, resume }: ControlOptions): Promise<void> {
  const { config } = await cli.site();
  if (pause && resume)
    throw new BackupError('usage', '--pause and --resume exclude each other', { remedy: 'Give one of them.' });
  await withClient(cli, 'A rotation that was cut off goes on with `mosaic-backup keys rotate`.', async (client) => {
    if (pause || resume) {
      await setPaused(client, config.site, pause ?? false);
      cli.out.result({ paused: pause ?? false }, () =>
        pause ? 'it pauses after the page that it is at' : 'it goes on',
      );
      return;
    }
    const report = await rotationNow(client, config.site);
    cli.out.result({ ...report }, () => reportText(report));
  });
}
