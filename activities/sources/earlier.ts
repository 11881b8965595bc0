/** What an attempt that was cut off had noted of its restore into a running server, for the attempt after it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { Work } from '../work.ts';

/** Undefined where there was none. @throws BackupError `conflict` where it cannot be understood. */
export function earlierNote<Note>(schema: z.ZodType<Note>, earlier: unknown): Note | undefined {
  if (earlier === undefined) return undefined;
  const parsed = schema.safeParse(earlier);
  if (parsed.success) return parsed.data;
  throw undecided('what the earlier attempt had noted cannot be understood');
}

/** Nothing is done then: what is there may be what was restored, with what clients have written since. */
export function undecided(why: string): BackupError {
  return new BackupError(
    'conflict',
    `An earlier attempt at this restore was cut off, and whether it was carried out cannot be told: ${why}. Nothing was changed.`,
    { remedy: 'Look at the server: if what was to be restored is not there, give the same command again.' },
  );
}

export interface Settling {
  readonly carryOut: () => Promise<void>;
  /** @throws BackupError `unreachable` or `busy` as long as that cannot be told. */
  readonly isCarriedOut: () => Promise<boolean>;
  readonly work: Work;
  /** Milliseconds in which a server that was lost may be back. */
  readonly patience?: number;
}

/**
 * Carries it out. A server that is lost on the way may have taken the last statement, and its answer be lost: it is asked
 * once it is back, and has succeeded where it did.
 * @throws BackupError as `carryOut`, with what became of it.
 */
export async function settled({ carryOut, isCarriedOut, work, patience = 30_000 }: Settling): Promise<void> {
  try {
    return await carryOut();
  } catch (error) {
    if (!(error instanceof BackupError) || work.signal.aborted || !LOST.has(error.code)) throw error;
    const became = await asked({ isCarriedOut, work, until: Date.now() + patience });
    if (became === true) return work.log.warn({ error: String(error) }, 'the answer was lost, and all of it is there');
    const told = became === false ? 'It was not carried out.' : 'Whether it was carried out cannot be told yet.';
    const remedy =
      became === false ? error.remedy : 'Look at the server, and whether what was to be restored is there.';
    const more = remedy === undefined ? {} : { remedy };
    throw new BackupError(error.code, `${error.message}. ${told}`, { ...more, facts: error.facts, cause: error });
  }
}

/** What leaves it open whether the last statement came to the server. */
const LOST: ReadonlySet<string> = new Set(['unreachable', 'program-failed']);

async function asked({
  isCarriedOut,
  work: { signal },
  until,
}: Pick<Settling, 'isCarriedOut' | 'work'> & { readonly until: number }): Promise<boolean | undefined> {
  for (;;) {
    try {
      return await isCarriedOut();
    } catch (error) {
      const isOpen = error instanceof BackupError && ['unreachable', 'busy'].includes(error.code);
      if (!isOpen) throw error;
      if (Date.now() > until) return undefined;
    }
    await pause(500, undefined, { signal });
  }
}
