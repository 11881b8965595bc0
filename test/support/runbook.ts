/** Follows a runbook, as somebody does who has it, an identity out of the kit, and what is left. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { LAUNCHER } from './command-line.ts';

export interface Followed {
  /** An existing folder, in which nothing was recovered before. */
  readonly folder: string;
  /** As Markdown. */
  readonly runbook: string;
  /** The file of the identity. */
  readonly identity: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs all its commands from top to bottom by sh, until one fails. @returns the folder of what was recovered. */
export async function followRunbook({ folder, runbook, identity, env = {} }: Followed): Promise<string> {
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  const program = path.join(bin, 'mosaic-backup');
  await writeFile(program, `#!/bin/sh\nexec '${LAUNCHER}' "$@"\n`);
  await chmod(program, 0o755);
  const commands = [...runbook.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, each]) => each).join('\n');
  const recovered = path.join(folder, 'recovered');
  const { exitCode, all } = await execa('sh', ['-eu'], {
    input: commands,
    env: {
      PATH: `${bin}:${process.env['PATH']}`,
      IDENTITY: identity,
      RECOVERED: recovered,
      MOSAIC_BACKUP_CONFIG: '',
      ...env,
    },
    all: true,
    reject: false,
  });
  assert.equal(exitCode, 0, `${all}\nof\n${commands}`);
  return recovered;
}
