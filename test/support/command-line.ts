/** The command line as people start it: the launcher of the checkout, in a process of its own. */
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { Writable } from 'node:stream';
import { z } from 'zod';
import { startCommand } from '../../client/cli/start.ts';

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

/** The same in this process: no start-up to pay, and nothing else differs. For all but signals, pipes and the launcher itself. */
export async function mosaicHere(args: readonly string[]): Promise<Ended> {
  const [stdout, stderr] = [collector(), collector()];
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const code = await startCommand(args, {
    env,
    cwd: process.cwd(),
    stdout: stdout.stream,
    stderr: stderr.stream,
    version: '0',
  });
  return { code, stdout: stdout.text().trimEnd(), stderr: stderr.text().trimEnd() };
}

function collector(): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const chunks: string[] = [];
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString('utf8'));
      done();
    },
  });
  // Of a terminal's stream the command line uses only write and these two facts.
  const stream = Object.assign(writable, { isTTY: false, columns: 80 }) as unknown as NodeJS.WriteStream;
  return { stream, text: () => chunks.join('') };
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
