/** Restoring append-only files to an earlier second than their end. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { Work } from '../../work.ts';
import { formatManifest, parseManifest } from './aof-manifest.ts';
import type { Position } from './position.ts';
import { requireSound, unsound } from './sound.ts';
import { runTool, type Tool } from './tools.ts';

/**
 * The last second that is kept, since the epoch; undefined where all is. Timestamps are whole seconds: kept is what was
 * written in the seconds that were over at the target, so that nothing from after it comes along.
 * @throws BackupError `refused` with what can be reached, `usage` for a target that Redis does not know.
 */
export function requireReachable({ times }: Position, target: RestoreTarget | undefined): number | undefined {
  if (target === undefined || target.kind === 'end') return undefined;
  if (target.kind !== 'time') {
    throw new BackupError('usage', 'Redis knows no positions, GTIDs or restore points: only times.', {
      remedy: 'Say --at with a time and its zone, as in 2026-11-23T14:05:00Z, or end.',
    });
  }
  const at = Date.parse(target.time);
  const { from, to, every } = times;
  if (every && at >= Date.parse(from) && at <= Date.parse(to)) return Math.ceil(at / 1000) - 1;
  throw new BackupError('refused', `This backup does not reach ${target.time}. It holds ${reachOf(times)}.`, {
    remedy: every
      ? 'Name a time of that range, or restore another backup.'
      : 'Restore it as it is, or another backup. Times between need method: aof, and aof-timestamp-enabled yes on the server.',
    facts: { from, to, every },
  });
}

/** What a backup can be restored to, in words. */
export function reachOf({ from, to, every }: Position['times']): string {
  return every ? `each second from ${from} to ${to}` : `one instant, between ${from} and ${to}`;
}

/**
 * Cuts a set behind the last command of a second. redis-check-aof cuts only the last file of a set: where the second
 * lies in an earlier one, the later ones are left out first.
 */
export async function cutAt(program: Tool, manifest: string, second: number, work: Work): Promise<void> {
  for (;;) {
    const entries = parseManifest(await readFile(manifest, 'utf8'));
    const increments = entries.filter(({ type }) => type === 'incr');
    const last = increments.at(-1);
    if (!last) break;
    const verdict = await runTool(program, ['--truncate-to-timestamp', String(second), manifest], work);
    if (verdict.ok) break;
    const isLater = /not the last file/.test(verdict.output);
    const isEmptied = /nothing before timestamp/.test(verdict.output);
    if (!isLater && !isEmptied) throw unsound(program, manifest, verdict);
    // All of the last file is later: without it, the base and what is before it are what was there then.
    const kept = entries.filter((entry) => entry !== last);
    await writeFile(manifest, formatManifest(kept), { mode: 0o600 });
    await rm(path.join(path.dirname(manifest), last.name));
  }
  await requireSound(program, manifest, work);
}
