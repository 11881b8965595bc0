/** Questions of the user's own to a private server: what fails in them is told as the engine tells it. */
import { BackupError, type ErrorCode } from '../../../model/errors.ts';

/** What does not come of the question. */
const OTHERS: ReadonlySet<ErrorCode> = new Set(['aborted', 'missing-program', 'standstill', 'unreachable']);

/** @throws BackupError `program-failed` with the engine's word, which another try does not change. */
export async function answerOf<Answer>(asking: Promise<Answer>): Promise<Answer> {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof BackupError) || OTHERS.has(error.code)) throw error;
    throw new BackupError('program-failed', error.message, {
      remedy: 'Look at the question, and ask it by hand of the server that it is for.',
      facts: error.facts,
      cause: error,
      retryable: false,
    });
  }
}
