/** The command line as people start it: the launcher of the checkout, in a process of its own. */
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const LAUNCHER = fileURLToPath(new URL('../../infra/mosaic-backup', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mosaic-backup ARGS` to its end. Nothing of the test's own environment points at a config. */
export async function mosaic(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const env = { MOSAIC_BACKUP_CONFIG: '', MOSAIC_BACKUP_HOST: undefined, ...options.env };
  const { exitCode, stdout, stderr } = await execa(LAUNCHER, args, {
    reject: false,
    stdin: 'ignore',
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return { code: exitCode ?? -1, stdout, stderr };
}

/** What tests look at in the documents that commands print; everything is optional. */
const printed = z.looseObject({
  error: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      remedy: z.string().nullable(),
      retryable: z.boolean(),
      facts: z.looseObject({}),
    })
    .optional(),
  problems: z
    .array(z.looseObject({ line: z.number(), column: z.number(), path: z.string() }))
    .optional()
    .catch(undefined),
  findings: z.array(z.looseObject({ code: z.string(), remedy: z.string().nullable() })).optional(),
  backups: z.array(z.looseObject({ reference: z.string() })).optional(),
});

/** The JSON that a command printed: one document, and nothing else. */
export function json(ended: Ended): z.output<typeof printed> {
  return printed.parse(JSON.parse(ended.stdout));
}
