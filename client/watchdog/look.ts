/** The frame of the watchdog's looks: each looks at one thing, and nothing that it meets blinds the others. */
import type { Remembered } from '../../activities/notify/memory.ts';
import type { AlertName, Condition } from '../../model/alert.ts';
import { BackupError } from '../../model/errors.ts';

export interface Look {
  readonly found: readonly Condition[];
  /** Whether an alert of before was looked for: one that was, and is not found any more, is over. */
  readonly lookedFor: (remembered: Pick<Remembered, 'alert' | 'key'>) => boolean;
}

/** A look at all that these alerts can be about. */
export function lookedAt(alerts: readonly AlertName[], found: readonly Condition[]): Look {
  return { found, lookedFor: ({ alert }) => alerts.includes(alert) };
}

/** Looks at something; where that fails in an expected way, not to see is itself a finding, and nothing else is over. */
export async function look(what: string, host: string, at: () => Promise<Look>): Promise<Look> {
  const key = `watchdog-blind/${host}/${what}`;
  try {
    const seen = await at();
    return { ...seen, lookedFor: (one) => one.key === key || seen.lookedFor(one) };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const { message, remedy } = error;
    return {
      found: [
        {
          alert: 'watchdog-blind',
          key,
          source: null,
          host,
          message: `The watchdog could not look at ${what}: ${message}`,
          remedy: remedy ?? 'mosaic-backup doctor says what is wrong.',
          once: false,
        },
      ],
      lookedFor: () => false,
    };
  }
}

/** Several looks as one. */
export function together(looks: readonly Look[]): Look {
  return {
    found: looks.flatMap(({ found }) => found),
    lookedFor: (one) => looks.some(({ lookedFor }) => lookedFor(one)),
  };
}
