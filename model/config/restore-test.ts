/** The `plans.restoreTest` of a config: when backups are restored to prove them, and where. */
import { z } from 'zod';
import { name } from '../source.ts';
import { clock, days } from './calendar-fields.ts';
import { size } from '../units.ts';
import { DOCKER_SOCKET } from './container.ts';
import { absolutePath, wait } from './fields.ts';
import { proofWaits } from './proof-waits.ts';

/** A week after the monthly, so that it is proven with what it archived. */
const USUAL_DAYS = 'second sunday';

export const restoreTestPlan = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('whether a schedule starts it, where an identity is at hand; by hand it can be run all the same'),
    at: clock.default('08:00').describe('the time of day at which it begins, in the timeZone of the site'),
    on: days.default(USUAL_DAYS).describe('the days: every day, sunday, [monday, thursday], second sunday'),
    host: name.optional().describe("the host that restores, which needs an identity; absent: each source's own"),
    sources: z
      .array(name)
      .min(1, 'no source to prove\nName at least one, or leave it out for all.')
      .optional()
      .describe('absent: all of the site'),
    scratch: z
      .string()
      .startsWith('/', 'not an absolute path\nWrite it from the root, as in /srv/restore-tests.')
      .optional()
      .describe(
        'the folder in which backups are restored, one at a time; nothing stays in it. Absent: beside the state folder, as in /var/lib/mosaic-backup-scratch',
      ),
    sandbox: z
      .enum(['auto', 'process', 'container'])
      .default('auto')
      .describe(
        "in what a database is started: process (this machine's own programs), container (the image that the backup came from), auto (processes where they fit, else a container)",
      ),
    sandboxImages: z
      .record(
        name,
        z
          .string()
          .regex(
            /(^|@)sha256:[0-9a-f]{64}$/,
            'an image without its digest\nWrite it too, as in redis:7.2@sha256:…: docker image inspect --format "{{.RepoDigests}} {{.Id}}" IMAGE prints it.',
          ),
      )
      .default({})
      .describe('by source: the image of its container, with the digest, where its backups name none'),
    sandboxMemory: size.prefault('2GiB').describe('the most memory of such a container'),
    sandboxCpus: z
      .number()
      .min(0.1, 'too few to start anything\nWrite 0.1 or more, as in 2.')
      .default(2)
      .describe('its processors at most'),
    sandboxSocket: absolutePath.default(DOCKER_SOCKET).describe("Docker's socket"),
    ...proofWaits,
    staleAfter: wait
      .prefault('45d')
      .describe('a source of which nothing was proven for so long is shown by status as not proven'),
  })
  .prefault({});
