/** The notifier type `command`: any program, with the alert as JSON on its input. */
import type { CommandNotifier } from '../../model/config/notify.ts';
import { BackupError } from '../../model/errors.ts';
import { howItEnded } from '../streams/how-it-ended.ts';
import { runProgram } from '../streams/run.ts';
import type { Notifier, NotifierContext } from './types.ts';

export function commandNotifier({ name, config }: NotifierContext<CommandNotifier>): Notifier {
  const [command = '', ...args] = config.command;
  return {
    name,
    async tell(alert, { signal }) {
      const input = `${JSON.stringify(alert)}\n`;
      try {
        await runProgram({ command, args }, { input, timeout: config.timeout, signal, quiet: true });
      } catch (error) {
        if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
        throw failed(name, command, error);
      }
    },
  };
}

/** Neither its arguments nor what it printed, which the cause tells: either may hold a secret. */
function failed(name: string, command: string, error: BackupError): BackupError {
  return new BackupError('program-failed', `The command ${command} of ${name} ${howItEnded(error)}.`, {
    remedy: 'Run it by hand as the user that runs mosaic-backup; the alert is tried again with the next tick.',
  });
}
