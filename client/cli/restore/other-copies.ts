/** A backup that is damaged, or lacks a file, where it is read from: whoever restores is told which place has another copy. */
import { BackupError } from '../../../model/errors.ts';
import { isDamaged, readOverview } from '../../backups/overview.ts';
import { REPOSITORY } from '../../backups/places.ts';
import type { Cli } from '../context.ts';

/**
 * The failure of a restore with the option that takes another copy, where there is one.
 * @param from the destination that was read from; undefined for the repository.
 */
export async function withOtherCopies(cli: Cli, from: string | undefined, error: unknown): Promise<unknown> {
  if (!(error instanceof BackupError)) return error;
  const { code, message, facts, retryable } = error;
  const { reference, artifact, manifest } = facts;
  if (typeof reference !== 'string' || artifact === undefined) return error;
  const { entries } = await readOverview(await cli.site());
  const places = entries
    .filter((entry) => entry.sha256 === manifest)
    .flatMap((entry) => entry.places.filter((place) => !isDamaged(entry, place)))
    .filter((place) => place !== (from ?? REPOSITORY));
  const [first, ...more] = places;
  const others = more.length === 0 ? '' : ` (or ${more.join(', ')})`;
  const remedy =
    first === undefined
      ? `No other place that can be looked at holds a good copy of ${reference}: restore another backup.`
      : `Use another copy of ${reference}: the same command with --from ${first}${others}. Or restore another backup.`;
  return new BackupError(code, message, { remedy, facts: { ...facts, places }, cause: error, retryable });
}
