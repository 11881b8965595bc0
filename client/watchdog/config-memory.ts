/**
 * The last config that could be read, as its text, in state: when somebody has broken the file, the watchdog still knows whom to
 * tell. It holds no secrets, as no config does.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { makePath, publish, writeNew } from '../../activities/storage/durable.ts';
import { ifThere, translated } from '../../activities/storage/fs-errors.ts';
import type { Site } from '../../activities/site.ts';
import { DEFAULT_STATE } from '../../model/config/site.ts';

/** @throws BackupError where it cannot be written. */
export async function rememberConfig({ file, state }: Site): Promise<void> {
  const remembered = fileOf(state);
  const [now, before] = await Promise.all([ifThere(readFile(file)), ifThere(readFile(remembered))]);
  if (now === undefined || (before !== undefined && now.equals(before))) return;
  await translated(remembered, 'remembering the config', async () => {
    await makePath(path.dirname(remembered));
    const temporary = `${remembered}.${randomUUID()}`;
    try {
      await writeNew(temporary, now);
      await publish(temporary, remembered);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** Where the last good one may lie, the likeliest first: what the broken file still says, what systemd says, the default. */
export async function rememberedConfigs(file: string, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const said = await stateIn(file);
  const states = [said, env['STATE_DIRECTORY']?.split(':')[0], DEFAULT_STATE].filter((state) => state !== undefined);
  return [...new Set(states)].map(fileOf);
}

const rough = z.object({ state: z.string().startsWith('/') });

/** Of a file that is no YAML any more, the line that says it. */
async function stateIn(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return rough.parse(parse(text)).state;
  } catch {
    // Neither YAML nor a state in it: the caller has other places to look at.
    return /^state: *["']?(\/[^"'#\n]*?)["']? *(?:#.*)?$/m.exec(text)?.[1];
  }
}

function fileOf(state: string): string {
  return path.join(state, 'watchdog', 'config.yaml');
}
