/** What a recovery that failed means, in words: PostgreSQL's own FATAL names neither the range nor what to do. */
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import { describeTarget } from '../../../model/target.ts';
import type { BackupReader, Replay } from '../types.ts';
import { elsewhere, rangeOf } from './logs/restore-points.ts';

export function notReached(error: unknown, base: BackupReader, { logs, target }: Replay): unknown {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const searched = { base: base.manifest, logs: logs.map(({ manifest }) => manifest) };
  const facts = { ...error.facts, target: JSON.stringify(target) };
  const what = describeTarget(target);
  // PostgreSQL's own word, or that of the program which brings it a segment: it says nothing of the logs.
  if (/No space left on device/.test(`${error.message} ${String(error.facts['log'] ?? '')}`)) {
    return new BackupError('no-space', 'No space was left for the replay of the logs. Nothing was changed.', {
      remedy: 'Free space where it is restored to, or restore to a larger file system; then restore again.',
      facts,
      cause: error,
    });
  }
  if (/stop point is before consistent recovery point/.test(error.message)) {
    const reference = formatReference(base.manifest);
    return new BackupError('refused', `${what} lies before the end of ${reference}. Nothing was changed.`, {
      remedy: `Name an older backup: mosaic-backup restore REF --at …; mosaic-backup list shows them.`,
      facts,
      cause: error,
    });
  }
  if (/recovery ended before configured recovery target was reached/.test(error.message)) {
    const code = target.kind === 'name' ? 'refused' : 'verification-failed';
    return new BackupError(code, `${what} is not in the WAL from ${rangeOf(searched)}. Nothing was changed.`, {
      remedy:
        target.kind === 'name'
          ? elsewhere(target.name, searched)
          : 'Choose an earlier target; and report this, since what the manifests say leads there.',
      facts,
      cause: error,
    });
  }
  return new BackupError('verification-failed', `Recovery did not reach its target: ${error.message}`, {
    remedy: 'See the messages of the server below; choose another target, or restore the backup without --at.',
    facts,
    cause: error,
  });
}
