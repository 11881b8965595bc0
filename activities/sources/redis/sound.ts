/** Files that their own tool finds whole. */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { runTool, type Tool, type Verdict } from './tools.ts';

/** @throws BackupError `verification-failed` with what redis-check-rdb or redis-check-aof says is wrong. */
export async function requireSound(program: Tool, file: string, work: Work): Promise<Verdict> {
  const verdict = await runTool(program, [file], work);
  if (verdict.ok) return verdict;
  throw unsound(program, file, verdict);
}

export function unsound(program: Tool, file: string, { why, output }: Verdict): BackupError {
  const name = path.basename(program.command);
  return new BackupError('verification-failed', `What was restored is not whole, says ${name}: ${why}`, {
    remedy: 'Nothing was started on it. Restore another backup, or this one from another copy.',
    facts: { program: name, file: path.basename(file), output: output.slice(-4096) },
  });
}
