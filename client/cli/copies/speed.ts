/** How fast cold storage is to give something back, as a user writes it. */
import { THAW_SPEEDS, type ThawSpeed } from '../../../model/config/destinations/thaw.ts';
import { BackupError } from '../../../model/errors.ts';

/** @throws BackupError `usage`. */
export function speedOf(text: string): ThawSpeed {
  const found = THAW_SPEEDS.find((each) => each === text);
  if (found) return found;
  throw new BackupError('usage', `"${text}" is no speed.`, { remedy: `Choose one of: ${THAW_SPEEDS.join(', ')}.` });
}
