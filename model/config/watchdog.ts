/** The `watchdog` of a config: what looks at everything from outside of Temporal. */
import { z } from 'zod';
import { wait } from './fields.ts';
import { webhookAddress } from './notify.ts';

export const watchdogConfig = z
  .strictObject({
    ping: webhookAddress
      .optional()
      .describe(
        "asked for (GET) when all is well: a dead man's switch elsewhere tells when it no longer is; as a secret where the address holds one",
      ),
    patience: wait.prefault('15s').describe('how long Temporal and the workers may take to answer, and the ping'),
    unfinishedAfter: wait
      .prefault('1h')
      .describe(
        'a restore in place that is unfinished for so long, work whose process died, or hooks that are left open, is an alert',
      ),
    remindAfter: wait.prefault('4h').describe('an alert that lasts is told again after so long'),
  })
  .prefault({})
  .describe('what `mosaic-backup watchdog` looks at, and who notices when it no longer does');
